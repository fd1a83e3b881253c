import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const JOB_RUNNER = join(import.meta.dirname, '../../bin/job-runner.cjs');

export interface Ended {
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export interface Started {
  pid: number;
  stdin: NodeJS.WritableStream;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** Stops reading what it prints, as `head` does. */
  closeStdout(): void;
  ended: Promise<Ended>;
}

export interface CommandLine {
  /** Runs a command to its end. */
  run(args: string[], more?: { stdin?: string | Uint8Array; env?: Record<string, string> }): Promise<Ended>;
  start(args: string[], more?: { env?: Record<string, string> }): Started;
}

/** `job-runner` as people run it: the package's bin in a process of its own, in this folder. */
export function commandLine(cwd: string, environment: Record<string, string>): CommandLine {
  const start: CommandLine['start'] = (args, { env = {} } = {}) => {
    const child = spawn(process.execPath, [JOB_RUNNER, ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, XDG_DATA_HOME: join(cwd, 'data'), RUNTIME_PACKAGES: 'off', ...environment, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    // A program that ends before it has read all is none of ours.
    child.stdin.on('error', () => undefined);
    return {
      pid: child.pid ?? 0,
      stdin: child.stdin,
      stdout: () => said.stdout,
      stderr: () => said.stderr,
      signal: (signal) => void child.kill(signal),
      closeStdout: () => void child.stdout.destroy(),
      ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code: signal ?? code ?? -1, ...said }))),
    };
  };
  return {
    start,
    run(args, { stdin = '', env = {} } = {}) {
      const started = start(args, { env });
      started.stdin.end(stdin);
      return started.ended;
    },
  };
}
