import { describe, expect, it } from 'vitest';
import { processesWith } from '../../../test/support/processes.ts';
import { exited, type SandboxSuite } from './suite.contract.ts';

export function ending(t: SandboxSuite): void {
  describe('ending a program', () => {
    const DAEMONS = `import os, signal, subprocess, sys, time
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: time.sleep(1)
    os._exit(0)
print("daemons are up", flush=True)
`;
    it('ends all of it when the time is over, and still hands out what was written', async () => {
      const marker = `marker-${Math.random()}`;
      const result = await t.run(`${DAEMONS}open(os.environ["JOB_OUTPUT_DIR"] + "/half", "w").write("half")\ntime.sleep(60)`, {
        args: [marker],
        limits: { timeoutMs: 700 },
      });
      expect(result.exit).toEqual({ kind: 'timeout' });
      expect(result.output).toBe('daemons are up\n');
      expect(result.files).toEqual({ half: 'half' });
      expect(await processesWith(marker)).toEqual([]);
    });

    it('ends what a program that is done has left running', async () => {
      const marker = `marker-${Math.random()}`;
      const result = await t.run(DAEMONS, { args: [marker] });
      expect(result.exit).toEqual(exited(0));
      expect(await processesWith(marker)).toEqual([]);
    });

    it('is not held up by a grandchild that keeps stdout open', async () => {
      const result = await t.run(
        'import subprocess, sys\nsubprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])\nprint("done")',
      );
      expect(result.output).toBe('done\n');
      expect(result.exit).toEqual(exited(0));
      expect(result.usage.wallMs).toBeLessThan(15_000);
    });

    it('ends all of it when the signal aborts', async () => {
      const marker = `marker-${Math.random()}`;
      const abort = new AbortController();
      const result = await t.run(`${DAEMONS}time.sleep(60)`, { args: [marker], signal: abort.signal, onOutput: () => abort.abort() });
      expect(result.exit).toEqual({ kind: 'aborted' });
      expect(await processesWith(marker)).toEqual([]);
    });

    it('starts nothing that outlives an already aborted signal', async () => {
      expect((await t.run('import time; time.sleep(60)', { signal: AbortSignal.abort() })).exit).toEqual({ kind: 'aborted' });
    });

    it('ends a program that says too much, and hands out exactly as much as allowed', async () => {
      const result = await t.run('while True: print("x" * 1000)', { limits: { outputBytes: 100_000 } });
      expect(result.exit).toEqual({ kind: 'output_limit' });
      expect(result.output).toHaveLength(100_000);
    });

    it('hands out all of an output that is exactly as long as allowed', async () => {
      const result = await t.run('import sys; sys.stdout.write("x" * 100_000)', { limits: { outputBytes: 100_000 } });
      expect(result.exit).toEqual(exited(0));
      expect(result.output).toHaveLength(100_000);
    });

    it('leaves no process of its own behind when it is disposed of while running', async () => {
      const marker = `marker-${Math.random()}`;
      const { running } = await t.begin(`${DAEMONS}time.sleep(60)`, { args: [marker] });
      await running.output[Symbol.asyncIterator]().next();
      await running.dispose();
      await running.dispose();
      expect(await processesWith(marker)).toEqual([]);
    });
  });
}
