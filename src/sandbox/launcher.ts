import { spawn, type ChildProcess } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { encodeSteps, type Step } from './plan.ts';

/** Source and built code lie equally deep below the package's root. */
export const launcherScript = join(import.meta.dirname, '../../libexec/sandbox-launch.pl');
export const networkScript = join(import.meta.dirname, '../../libexec/job-network.pl');

/** How a process ended, as wait(2) tells it, with what it and its children used. */
export interface Report {
  status: number;
  cpuMs: number;
  maxRssBytes: number;
  /** Only in the init's report. */
  wallMs: number;
}

/** A launcher that has done all that can be done before a job is known. */
export interface Prepared {
  pid: number;
  /** To the keeper of the job's network, for a launcher that was made for one. */
  network: Socket | undefined;
  /** Starts the job, whose writable places the steps put below `folder`. Resolves when bubblewrap is being started; rejects, with everything gone, when it can't be. */
  start(steps: readonly Step[], folder: string): Promise<Launched>;
  /** Ends a launcher that is not used. */
  discard(): Promise<void>;
}

export interface Launched {
  stdout: Socket;
  stderr: Socket;
  /** The folder on the host with the job's writable places; of use to nobody but the service, and only until `release`. */
  root: string;
  /**
   * Resolves when no process of the job is alive: with the init's report, or undefined when the init itself was killed.
   * Rejects when the sandbox could not be set up.
   */
  ended: Promise<{ program: Report | undefined; whole: Report }>;
  /** Kills the whole tree; `ended` follows. */
  kill(): void;
  /** Ends the launcher and with it the job's mounts; resolves when it is gone. */
  release(): Promise<void>;
}

const KILL_AGAIN_MS = 5000;
const MAX_ERROR_TEXT = 4096;
const SIGKILL = 9;

const parseReport = (words: string[]): Report => {
  const [status = 0, userUs = 0, systemUs = 0, maxRssKb = 0, wallUs = 0] = words.map(Number);
  return { status, cpuMs: (userUs + systemUs) / 1000, maxRssBytes: maxRssKb * 1024, wallMs: wallUs / 1000 };
};

/** Lines of the control socket, one after the other, cut into words; undefined at its end. */
export function lineReader(socket: Socket): () => Promise<string[] | undefined> {
  const lines: string[] = [];
  let rest = '';
  let over = false;
  let wake = (): void => undefined;
  socket.setEncoding('utf8');
  socket.on('data', (text) => {
    const parts = (rest + String(text)).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  const finish = (): void => {
    over = true;
    wake();
  };
  socket.on('end', finish).on('close', finish).on('error', finish);
  return async () => {
    while (lines.length === 0 && !over) await new Promise<void>((resolve) => (wake = resolve));
    return lines.shift()?.split(' ');
  };
}

export function openPipe(pid: number, fd: string | undefined): Socket {
  // Opened anew rather than inherited: a pipe, so that the program can open /dev/stdout, and read without blocking.
  const own = openSync(`/proc/${pid}/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: own, readable: true, writable: false });
  // Whoever reads it later notices its end; an error before that must not end the service.
  socket.on('error', () => undefined);
  return socket;
}

export function withLength(steps: readonly Step[]): Buffer {
  const plan = encodeSteps(steps);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(plan.length));
  return Buffer.concat([length, plan]);
}

/** Starts a launcher with the first part of its plan; with `network`, for a job that is to have one. Rejects when that does not work here. */
export async function prepareLauncher(perl: string, steps: readonly Step[], network = false): Promise<Prepared> {
  const child: ChildProcess = spawn(perl, [launcherScript, 'launch', String(process.pid)], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', network ? 'pipe' : 'ignore'],
  });
  let errorText = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorText = (errorText + text).slice(0, MAX_ERROR_TEXT);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      errorText = error.message;
      resolve();
    });
  });
  const control = child.stdio[3] as Socket;
  const nextLine = lineReader(control);
  const line = network ? (child.stdio[4] as Socket) : undefined;
  line?.on('error', () => undefined);
  const pipes: Socket[] = [];
  const failure = async (what: string): Promise<Error> => {
    for (const pipe of pipes) pipe.destroy();
    child.kill('SIGKILL');
    control.destroy();
    line?.destroy();
    await exited;
    return new Error(`the sandbox could not be set up: ${what} ${errorText}`.trim());
  };

  control.write(withLength(steps));
  const [word, ...words] = (await nextLine()) ?? ['the launcher is gone'];
  if (word !== 'pipes' || child.pid === undefined) throw await failure([word, ...words].join(' '));
  const { pid } = child;
  const stdout = openPipe(pid, words[0]);
  const stderr = openPipe(pid, words[1]);
  pipes.push(stdout, stderr);

  const release = async (): Promise<void> => {
    control.end();
    control.destroy();
    line?.destroy();
    if (child.exitCode === null && child.signalCode === null) await exited;
  };

  return {
    pid,
    network: line,

    async discard() {
      for (const pipe of pipes) pipe.destroy();
      await release();
    },

    async start(jobSteps, folder) {
      control.write(withLength(jobSteps));
      const [said, ...rest] = (await nextLine()) ?? ['the launcher is gone'];
      if (said !== 'started') throw await failure([said, ...rest].join(' '));

      let killed = false;
      const ended = (async () => {
        let program: Report | undefined;
        const failures: string[] = [];
        for (;;) {
          const [kind, ...values] = (await nextLine()) ?? ['gone'];
          if (kind === 'exited') program = parseReport(values);
          else if (kind === 'failed') failures.push(values.join(' '));
          else if (kind === 'ended') {
            const whole = parseReport(values);
            const died = program === undefined && whole.status !== SIGKILL && !killed;
            if (failures.length > 0 || died) throw await failure(failures.join('; '));
            return { program, whole };
          } else throw await failure('the launcher is gone;');
        }
      })();
      // Whoever waits for it sees the rejection; nobody waiting must not end the service.
      ended.catch(() => undefined);

      return {
        stdout,
        stderr,
        root: join(`/proc/${pid}/root`, folder),
        ended,
        kill() {
          if (killed) return;
          killed = true;
          child.kill('SIGTERM');
          // A launcher that doesn't answer takes all with it: every process down to the program dies with its parent.
          const again = setTimeout(() => child.kill('SIGKILL'), KILL_AGAIN_MS);
          const settle = (): void => clearTimeout(again);
          ended.then(settle, settle);
        },
        release,
      };
    },
  };
}
