import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemPython } from '../../test/support/system-python.ts';
import { processesWith } from '../../test/support/processes.ts';
import { untilWarm } from '../../test/support/start-path.ts';
import { createBubblewrap } from './bubblewrap.ts';
import { openRuns } from './contract/runs.contract.ts';
import { DEFAULT_EGRESS } from './egress/serve.ts';
import { sandboxContract } from './sandbox.contract.ts';
import { whyCold } from './warm/eligible.ts';
import type { PoolRules } from './warm/pool.ts';

const INSTANCE = 'contract';

sandboxContract('bubblewrap', async () => {
  const interpreter = await systemPython();
  const sandbox = createBubblewrap({
    instance: INSTANCE,
    firstUid: 54_321,
    ready: 1,
    interpreter: () => interpreter,
    egress: DEFAULT_EGRESS,
  });
  return { sandbox, interpreter, close: async () => undefined };
});

const WARM: PoolRules = { min: 1, max: 4, recycleJobs: 1000, recycleMs: 3_600_000, waitMs: 20_000 };

sandboxContract('bubblewrap, warm', async () => {
  const interpreter = await systemPython();
  const troubles: string[] = [];
  const events = { trouble: (what: string, error: unknown) => troubles.push(`${what}: ${String(error)}`) };
  const sandbox = createBubblewrap({
    instance: 'contract-warm',
    firstUid: 54_321,
    ready: 1,
    interpreter: () => interpreter,
    warm: { rules: WARM, events },
    egress: DEFAULT_EGRESS,
  });
  await sandbox.check();
  sandbox.anticipate(interpreter);
  await untilWarm(sandbox, interpreter);
  return {
    sandbox,
    interpreter,
    pathOf: (run) => (run.interpreter === interpreter && whyCold(run) === undefined ? 'warm' : 'cold'),
    close: async () => {
      const unexpected = troubles.filter((trouble) => !trouble.includes('-absent'));
      if (unexpected.length > 0) throw new Error(unexpected.join('\n'));
    },
  };
});

describe('bubblewrap on this host', () => {
  it('leaves neither work folder nor control group nor mount behind when it is closed', async () => {
    const interpreter = await systemPython();
    const instance = `leaves-nothing-${process.pid}`;
    const sandbox = createBubblewrap({ instance, firstUid: 54_321, ready: 1, interpreter: () => interpreter });
    await sandbox.check();
    await sandbox.close();
    expect((await readdir(tmpdir())).filter((name) => name.includes(instance))).toEqual([]);
  });

  it('leaves nothing of a program whose launcher dies, however far it had come', async () => {
    const interpreter = await systemPython();
    const sandbox = createBubblewrap({ instance: `dies-${process.pid}`, firstUid: 54_321, ready: 1, interpreter: () => interpreter });
    await sandbox.check();
    const runs = await openRuns({ sandbox, interpreter, close: async () => undefined });
    const token = `whose-launcher-dies-${process.pid}`;
    for (let afterMs = 0; afterMs < 40; afterMs += 2) {
      const begun = runs.begin('import time; time.sleep(60)', { args: [token] }).then(
        ({ running }) => running,
        () => undefined,
      );
      await delay(afterMs);
      for (const pid of await launchers()) process.kill(pid, 'SIGKILL');
      await (await begun)?.dispose().catch(() => undefined);
    }
    await expect.poll(() => processesWith(token)).toEqual([]);
    await runs.close();
    await sandbox.close().catch(() => undefined);
  });
});

/** This process's own, whether they have a program yet or wait for one. */
async function launchers(): Promise<number[]> {
  const children = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')).trim().split(' ').filter(Boolean);
  const lines = await Promise.all(
    children.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '') })),
  );
  return lines.filter(({ line }) => line.includes('sandbox-launch.pl\0launch')).map(({ pid }) => Number(pid));
}
