import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discover } from '../../src/runtimes/discover.ts';
import { createBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { untilWarm } from '../support/start-path.ts';
import { systemPython } from '../support/system-python.ts';
import { casesFrom, DIFFERENCES, differsOn, SANDBOX_ONLY, type Case } from './cases.ts';
import { bare, inSandbox, type Doings } from './ways.ts';

/** A job must not be able to tell a warm start from `python main.py`, but for what docs/warm-starts.md says. */

const cases = casesFrom(readdirSync(join(import.meta.dirname, 'programs')).map((name) => name.replace(/\.py$/, '')));
const AT_ONCE = 3;
const BEFORE_MS = 600_000;

const system = await systemPython();
/** One of each other series. */
const others = (await discover(undefined, process.env))
  .map(({ version, interpreter }) => ({ version, interpreter }))
  .filter(({ interpreter }) => interpreter.series !== system.series);

interface Outcome {
  warm: Doings;
  cold: Doings | undefined;
  bare: Doings | undefined;
}

describe.each([
  { version: 'the system’s', interpreter: system, ways: 'warm, cold and bare' },
  ...others.map((each) => ({ ...each, ways: 'warm and bare' })),
])('programs on $version Python, $ways', ({ interpreter, ways }) => {
  const outcomes = new Map<Case, Outcome | Error>();
  let sandbox: Sandbox;

  async function runAllWays(each: Case): Promise<Outcome> {
    const alone = SANDBOX_ONLY.has(each.program);
    return {
      warm: await inSandbox(sandbox, interpreter, each, 'warm'),
      cold: alone || ways.includes('cold') ? await inSandbox(sandbox, interpreter, each, 'cold') : undefined,
      bare: alone ? undefined : await bare(interpreter, each),
    };
  }

  // All at once, in small numbers; then each is a test. It takes 10 s where the machine has nothing else to do.
  beforeAll(async () => {
    sandbox = createBubblewrap({
      instance: `fidelity-${interpreter.series}-${process.pid}`,
      firstUid: 154_321,
      ready: 1,
      interpreter: () => interpreter,
      warm: {
        rules: { min: 1, max: AT_ONCE, recycleJobs: 10_000, recycleMs: 3_600_000, waitMs: 60_000 },
        events: { trouble: (what, error) => outcomes.set({ name: what, program: '' }, new Error(what, { cause: error })) },
      },
    });
    await sandbox.check();
    sandbox.anticipate(interpreter);
    await untilWarm(sandbox, interpreter);
    const left = [...cases];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let each = left.shift(); each !== undefined; each = left.shift()) {
          outcomes.set(each, await runAllWays(each).catch((error: unknown) => new Error(String(error), { cause: error })));
        }
      }),
    );
  }, BEFORE_MS);
  afterAll(() => sandbox.close());

  const outcomeOf = (each: Case): Outcome => {
    const outcome = outcomes.get(each);
    if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error('it was not run');
    return outcome;
  };

  it.each(cases.filter(({ program }) => !differsOn(program, interpreter.series)))('$name is the same', (each) => {
    const { warm, cold, bare } = outcomeOf(each);
    if (bare !== undefined) expect(warm).toEqual(bare);
    if (cold !== undefined) expect(warm).toEqual(cold);
  });

  it.each(cases.filter(({ program }) => differsOn(program, interpreter.series)))('$name differs, as is said', (each) => {
    const { warm, cold, bare } = outcomeOf(each);
    expect(warm).not.toEqual(bare);
    if (cold !== undefined) expect(cold).toEqual(bare);
  });
});

it('lists no difference that has no program', () => {
  expect(Object.keys(DIFFERENCES).filter((program) => !cases.some((each) => each.program === program))).toEqual([]);
});
