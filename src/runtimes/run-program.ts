import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  /** All that the program gets to see of the environment. */
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
}

export interface ProgramEnd {
  /** Null when a signal ended it or when it never ran. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Why we ended it, or why it never ran. */
  failure?: 'timeout' | 'aborted' | 'not started';
}

/** A broken program may print for ever. */
const KEPT_CHARACTERS = 64 * 1024;

/** Runs one of the programs that runtimes are found and filled with. How it ended is a value: this never rejects. */
export function runProgram(command: string, args: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([timeout, ...(options.signal === undefined ? [] : [options.signal])]);
  const end: ProgramEnd = { code: null, stdout: '', stderr: '' };
  if (signal.aborted) return Promise.resolve({ ...end, failure: 'aborted' });

  return new Promise((resolve) => {
    // In a process group of its own: what it started dies with it, and a Ctrl-C meant for the service doesn't reach it.
    const child = spawn(command, args, { env: options.env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const name of ['stdout', 'stderr'] as const) {
      createInterface({ input: child[name] }).on('line', (line) => {
        end[name] = `${end[name]}${line}\n`.slice(-KEPT_CHARACTERS);
        options.onLine?.(line);
      });
    }
    const kill = (): void => {
      end.failure = timeout.aborted ? 'timeout' : 'aborted';
      if (child.pid !== undefined) killGroup(child.pid);
      // A grandchild that left the group may hold the pipes open; we don't wait for it.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    signal.addEventListener('abort', kill, { once: true });
    child.once('error', () => (end.failure = 'not started'));
    child.once('close', (code) => {
      signal.removeEventListener('abort', kill);
      resolve({ ...end, code: end.failure === undefined ? code : null });
    });
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
