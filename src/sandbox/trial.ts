import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Interpreter } from '../runtimes/runtime.ts';
import type { Network, RunSpec, Sandbox } from './sandbox.ts';

const MIB = 1024 * 1024;
const TRIAL_MS = 20_000;

/**
 * Runs an empty program, to see with one's own eyes that a sandbox works here. `workDir` must be a folder that jobs' users may enter.
 *
 * @throws what went wrong, in words
 */
export async function tryOut(start: Sandbox['start'], interpreter: Interpreter, workDir: string, network: Network = 'none'): Promise<void> {
  const empty = join(workDir, 'trial');
  await mkdir(empty, { recursive: true, mode: 0o755 });
  const run: RunSpec = {
    jobId: 'trial',
    interpreter,
    codeDir: empty,
    inputDir: empty,
    entry: '/dev/null',
    args: [],
    env: {},
    stdin: '',
    limits: { timeoutMs: TRIAL_MS, cpus: 1, memoryBytes: 128 * MIB, pids: 16, diskBytes: MIB, outputBytes: 65_536 },
    splitOutput: false,
    workspace: 'read_only',
    network,
  };
  try {
    const attempt = await start(run, AbortSignal.timeout(TRIAL_MS * 2));
    try {
      let said = '';
      for await (const chunk of attempt.output) said += chunk.bytes.toString();
      const { exit } = await attempt.ended;
      if (exit.kind !== 'exited' || exit.code !== 0) throw new Error(`a trial run ended with ${JSON.stringify(exit)}: ${said}`);
    } finally {
      await attempt.dispose();
    }
  } finally {
    await rm(empty, { recursive: true, force: true });
  }
}
