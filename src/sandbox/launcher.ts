import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { encodeSteps, type Step } from './plan.ts';

/** Source and built code lie equally deep below the package's root. */
export const launcherScript = join(import.meta.dirname, '../../libexec/sandbox-launch.pl');

/** How a process ended, as wait(2) tells it, with what it and its children used. */
export interface Report {
  status: number;
  cpuMs: number;
  maxRssBytes: number;
  /** Only in the init's report. */
  wallMs: number;
}

export interface Launched {
  /** One for each output pipe: one, or stdout and stderr. */
  outputs: Socket[];
  pid: number;
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

export interface LaunchRequest {
  perl: string;
  script: string;
  steps: readonly Step[];
  /** Opened for reading, and closed by the caller once this resolves: the program's stdin, the filter, bubblewrap's arguments, the init's steps. */
  descriptors: { stdin: number; filter: number; args: number; init: number };
}

const KILL_AGAIN_MS = 5000;
const MAX_ERROR_TEXT = 4096;

const parseReport = (words: string[]): Report => {
  const [status = 0, userUs = 0, systemUs = 0, maxRssKb = 0, wallUs = 0] = words.map(Number);
  return { status, cpuMs: (userUs + systemUs) / 1000, maxRssBytes: maxRssKb * 1024, wallMs: wallUs / 1000 };
};

/** Lines of the control socket, one after the other; undefined at its end. */
function lineReader(socket: Socket): () => Promise<string | undefined> {
  const lines: string[] = [];
  let rest = '';
  let over = false;
  let wake = (): void => undefined;
  socket.setEncoding('latin1');
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
    return lines.shift();
  };
}

function openPipe(pid: number, fd: string): Socket {
  // Opened anew rather than inherited: a pipe, so that the program can open /dev/stdout, and read without blocking.
  const own = openSync(`/proc/${pid}/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: own, readable: true, writable: false });
  // Its reader comes later; an error before that is one of the reader's concern, not of the process's.
  socket.on('error', () => undefined);
  return socket;
}

/** Starts the launcher with its plan. Resolves when bubblewrap has been started, rejects when it could not be. */
export async function launch(request: LaunchRequest): Promise<Launched> {
  const { stdin, filter, args, init } = request.descriptors;
  const child = spawn(request.perl, [request.script, 'launch', String(process.pid)], {
    cwd: '/',
    env: {},
    // 7, 8 and 9 only hold the places where the launcher puts the program's pipes.
    stdio: [stdin, 'ignore', 'pipe', 'pipe', filter, args, init, init, init, init],
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
  const failure = async (what: string): Promise<Error> => {
    child.kill('SIGKILL');
    control.destroy();
    await exited;
    return new Error(`the sandbox could not be set up: ${what} ${errorText}`.trim());
  };

  const plan = encodeSteps(request.steps);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(plan.length));
  control.write(Buffer.concat([length, plan]));

  const outputs: Socket[] = [];
  for (;;) {
    const line = await nextLine();
    const [word, ...words] = (line ?? '').split(' ');
    if (word === 'pipes' && child.pid !== undefined) {
      for (const fd of words) outputs.push(openPipe(child.pid, fd));
      control.write('g');
    } else if (word === 'started') break;
    else {
      for (const output of outputs) output.destroy();
      throw await failure(words.join(' '));
    }
  }

  let killed = false;
  const ended = (async () => {
    let program: Report | undefined;
    const failures: string[] = [];
    for (;;) {
      const line = await nextLine();
      const [word, ...words] = (line ?? '').split(' ');
      if (word === 'exited') program = parseReport(words);
      else if (word === 'failed') failures.push(words.join(' '));
      else if (word === 'ended') {
        const whole = parseReport(words);
        if (failures.length > 0 || (program === undefined && whole.status !== 9 && !killed)) throw await failure(failures.join('; '));
        return { program, whole };
      } else throw await failure('the launcher is gone;');
    }
  })();
  // Whoever waits for it sees the rejection; nobody waiting must not end the service.
  ended.catch(() => undefined);

  let again: NodeJS.Timeout | undefined;
  return {
    outputs,
    pid: child.pid ?? 0,
    ended,
    kill() {
      if (killed) return;
      killed = true;
      child.kill('SIGTERM');
      // A launcher that doesn't answer takes all with it: every process down to the program dies with its parent.
      again = setTimeout(() => child.kill('SIGKILL'), KILL_AGAIN_MS);
      ended.then(
        () => clearTimeout(again),
        () => clearTimeout(again),
      );
    },
    async release() {
      control.end();
      control.destroy();
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}

/** Closes descriptors that were only opened to be inherited. */
export const closeAll = (descriptors: Iterable<number>): void => {
  for (const descriptor of descriptors) closeSync(descriptor);
};
