import { createBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { untilWarm } from '../support/start-path.ts';
import { systemPython } from '../support/system-python.ts';
import type { AttackedDriver } from './attacked-driver.ts';

const missing = process.getuid?.() === 0 ? undefined : 'needs root, for a host user of the jobs’ own';

/** Each process attacks drivers of its own: who finds another's folders or users by the same name takes them for what a killed predecessor left. */
const place = (name: string, index: number): { instance: string; firstUid: number; uids: number } => ({
  instance: `attacked-${name}-${process.pid}`,
  firstUid: 3_000_000 + (process.pid % 4096) * 1000 + index * 500,
  uids: 500,
});
const COLD = place('cold', 0);
const WARM = place('warm', 1);

export const bubblewrapCold: AttackedDriver = {
  name: 'bubblewrap',
  missing,
  traces: { instance: COLD.instance, processes: COLD },
  cannotHold: {},
  async open() {
    const interpreter = await systemPython();
    const sandbox = createBubblewrap({ instance: COLD.instance, firstUid: COLD.firstUid, ready: 1, interpreter: () => interpreter });
    await sandbox.check();
    return { under: { sandbox, interpreter, close: async () => undefined } };
  },
};

export const bubblewrapWarm: AttackedDriver = {
  name: 'bubblewrap, warm',
  missing,
  traces: { instance: WARM.instance, processes: WARM },
  cannotHold: {},
  async open() {
    const interpreter = await systemPython();
    const troubles: string[] = [];
    const sandbox = createBubblewrap({
      instance: WARM.instance,
      firstUid: WARM.firstUid,
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
