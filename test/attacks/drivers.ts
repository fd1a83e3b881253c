import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import { createBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { untilWarm } from '../support/start-path.ts';
import { systemPython } from '../support/system-python.ts';
import type { Traces } from './host-state.ts';

export interface AttackedDriver {
  name: string;
  /** Why it can't be attacked here. */
  missing: string | undefined;
  traces: Traces;
  /** Attacks that get through, each with the reason. */
  cannotHold: Readonly<Record<string, string>>;
  open(): Promise<{ under: SandboxUnderTest }>;
}

const missing = process.getuid?.() === 0 ? undefined : 'needs root, for a host user of the jobs’ own';

export const bubblewrapCold: AttackedDriver = {
  name: 'bubblewrap',
  missing,
  traces: { instance: 'attacked-cold', uids: { first: 61_000, count: 500 } },
  cannotHold: {},
  async open() {
    const interpreter = await systemPython();
    const sandbox = createBubblewrap({ instance: 'attacked-cold', firstUid: 61_000, ready: 1, interpreter: () => interpreter });
    await sandbox.check();
    return { under: { sandbox, interpreter, close: async () => undefined } };
  },
};

export const bubblewrapWarm: AttackedDriver = {
  name: 'bubblewrap, warm',
  missing,
  traces: { instance: 'attacked-warm', uids: { first: 62_000, count: 500 } },
  cannotHold: {},
  async open() {
    const interpreter = await systemPython();
    const troubles: string[] = [];
    const sandbox = createBubblewrap({
      instance: 'attacked-warm',
      firstUid: 62_000,
      ready: 1,
      interpreter: () => interpreter,
      warm: {
        rules: { min: 2, max: 2, recycleJobs: 1000, recycleMs: 3_600_000, waitMs: 20_000 },
        events: { trouble: (what, error) => troubles.push(`${what}: ${String(error)}`) },
      },
    });
    await sandbox.check();
    sandbox.anticipate(interpreter);
    await untilWarm(sandbox, interpreter);
    return {
      under: {
        sandbox,
        interpreter,
        pathOf: (run) => (whyCold(run) === undefined && !shadows(run, new Set(['os'])) ? 'warm' : 'cold'),
        close: async () => {
          if (troubles.length > 0) throw new Error(troubles.join('\n'));
        },
      },
    };
  },
};

export const DRIVERS: readonly AttackedDriver[] = [bubblewrapCold, bubblewrapWarm];
