import { afterAll, beforeAll, it } from 'vitest';
import type { Exit, Guarantees, Outbound } from '../sandbox.ts';
import { openRuns, type Runs, type SandboxUnderTest } from './runs.contract.ts';

/** What a suite's tests share: one driver, opened once, for warm starts are made ahead. Not there before the first test. */
export interface SandboxSuite extends Pick<Runs, 'home' | 'begin' | 'run'> {
  under: SandboxUnderTest;
  guarantees: Guarantees;
  outbound: Outbound;
  /** A test of what a driver may not give: then it has said so in `check`, and the test is reported as skipped for that. */
  guaranteed(which: keyof Guarantees, title: string, body: () => Promise<void>): void;
}

/** Opens the driver for the tests that are described beside this call. */
export function useSandbox(name: string, open: () => Promise<SandboxUnderTest>): SandboxSuite {
  let under: SandboxUnderTest;
  let runs: Runs;
  let checked: { guarantees: Guarantees; outbound: Outbound };

  beforeAll(async () => {
    under = await open();
    runs = await openRuns(under);
    checked = await under.sandbox.check();
  });
  afterAll(async () => {
    await under.sandbox.close();
    await under.close();
    await runs.close();
  });

  return {
    get under() {
      return under;
    },
    get home() {
      return runs.home;
    },
    get guarantees() {
      return checked.guarantees;
    },
    get outbound() {
      return checked.outbound;
    },
    begin: (program, options) => runs.begin(program, options),
    run: (program, options) => runs.run(program, options),
    guaranteed(which, title, body) {
      it(title, async (context) => {
        if (!checked.guarantees[which]) return context.skip(`${name} does not guarantee: ${which}`);
        await body();
      });
    },
  };
}

export const exited = (code: number): Exit => ({ kind: 'exited', code });
