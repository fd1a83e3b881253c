import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Interpreter } from '../../src/runtimes/runtime.ts';
import type { Sandbox, StartPath } from '../../src/sandbox/sandbox.ts';

const MIB = 1024 * 1024;

/** Which way a sandbox starts a small program now. */
async function startPathOf(sandbox: Sandbox, interpreter: Interpreter): Promise<StartPath> {
  const folder = await mkdtemp(join(tmpdir(), 'start-path-'));
  try {
    await chmod(folder, 0o755);
    await writeFile(join(folder, 'main.py'), '');
    const running = await sandbox.start(
      {
        jobId: 'start-path',
        interpreter,
        codeDir: folder,
        inputDir: folder,
        entry: 'main.py',
        args: [],
        env: {},
        stdin: '',
        limits: { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 32, diskBytes: MIB, outputBytes: MIB },
        splitOutput: false,
        workspace: 'read_only',
      },
      new AbortController().signal,
    );
    await running.ended;
    await running.dispose();
    return running.path;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until a sandbox starts small programs warm. Throws when it has not come to that in time. */
export async function untilWarm(sandbox: Sandbox, interpreter: Interpreter, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while ((await startPathOf(sandbox, interpreter)) === 'cold') {
    if (Date.now() > deadline) throw new Error(`the sandbox has started nothing warm in ${withinMs / 1000} s`);
  }
}
