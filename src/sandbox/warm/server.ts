import { spawn } from 'node:child_process';
import { constants, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { launcherScript, lineReader, openPipe, withLength, type Report } from '../launcher.ts';
import type { Step } from '../plan.ts';

/** A fork server with its launcher: processes of one Python, forked and isolated ahead of the jobs that they are for. */
export interface ForkServer {
  /** What the launcher sees as /, as seen by the service. */
  root: string;
  /** Names of all that is imported, without packages' parts. */
  imported: ReadonlySet<string>;
  /** Resolves, with the last that was heard of it, when the server is gone and all its jobs with it. */
  gone: Promise<string>;
  /** Takes steps in the launcher's mount namespace, all or those before the one that failed. */
  mount(steps: readonly Step[]): Promise<void>;
  /** Makes a process for a job. Resolves when it waits for its job. Rejects when there is none; nothing is left of it then. */
  fork(slot: string, uid: number, attach: (hostPid: number) => Promise<void>): Promise<Forked>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export interface Forked {
  stdout: Socket;
  stderr: Socket;
  /** CPU time that went into its making. */
  cpuMs: number;
  /** Memory that it has in common with the server, by the measure of RLIMIT_DATA. */
  inheritedBytes: number;
  /** Sends the job's words: the program starts. */
  start(words: string): void;
  /** Kills it and all that came of it; `ended` follows. */
  kill(): void;
  /** Closes this side of its pipes, whatever is still on them. */
  destroy(): void;
  /** Resolves when nothing of the job is alive; rejects when the server went first. `begun`: it had read its job's words. */
  ended: Promise<Report & { begun: boolean }>;
  /** Resolves when its init is gone as well, or the server with all that it had. */
  gone: Promise<void>;
}

const FORK_MS = 10_000;
const KILL_AGAIN_MS = 5000;
const PING_EVERY_MS = 5000;
/** One may be lost on a machine that has too much to do, and while this process itself was stopped. */
const MAX_UNANSWERED = 3;
const MAX_ERROR_TEXT = 4096;

interface Waiting {
  heard: (verb: string, words: string[]) => void;
  lost: (why: Error) => void;
}

/** The service's own view of a process that another namespace's /proc calls `inside`, among the children of `parent`. */
function hostPidOf(parent: number, inside: string): number {
  // The youngest come last, and it is one of them.
  for (const pid of childrenOf(parent).toReversed()) {
    const ids = /^NSpid:\s+(.*)$/m.exec(readStatus(pid))?.[1]?.split('\t') ?? [];
    if (ids.at(-2) === inside) return pid;
  }
  throw new Error(`process ${inside} of the fork server is not to be seen`);
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** False where there is no such process. */
function sendKill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It ended in between.
    return '';
  }
}

/** Starts a fork server. Rejects, with nothing left of it, when it can't be started or is not ready within `startMs`. */
export async function startForkServer(perl: string, steps: readonly Step[], startMs: number): Promise<ForkServer> {
  const child = spawn(perl, [launcherScript, 'serve', String(process.pid)], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own, which is what it starts as well, until bubblewrap has its session.
    detached: true,
  });
  let errorText = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errorText = (errorText + text).slice(-MAX_ERROR_TEXT);
  });
  const gone = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(`${errorText.trim()} (${signal ?? code})`.trim()));
    child.once('error', (error) => resolve(error.message));
  });
  // What it leaves when it is killed while it starts: the rest sees to it itself that it doesn't outlive it.
  child.once('exit', () => {
    if (child.pid !== undefined) sendKill(-child.pid);
  });
  let serverPid = 0;
  /**
   * The server itself first: being the first of its process namespace, it doesn't end before all that it made has, nor do those who
   * wait for it. They are killed where that leads to nothing.
   */
  const kill = async (): Promise<void> => {
    const isThere = child.exitCode === null && child.signalCode === null;
    if (serverPid === 0 || !isThere || !sendKill(serverPid)) child.kill('SIGKILL');
    const again = setTimeout(() => child.kill('SIGKILL'), KILL_AGAIN_MS);
    await gone;
    clearTimeout(again);
  };

  const control = child.stdio[3] as Socket;
  const agent = child.stdio[4] as Socket;
  const answer = lineReader(control);
  const word = lineReader(agent);
  control.write(withLength(steps));
  const tooSlow = setTimeout(() => child.kill('SIGKILL'), startMs);
  const started = await answer();
  const up = started?.[0] === 'started' ? await word() : undefined;
  clearTimeout(tooSlow);
  if (child.pid === undefined || up?.[0] !== 'up') {
    await kill();
    const failure = started?.[0] === 'started' ? await answer() : started;
    throw new Error(`the fork server did not start: ${failure?.join(' ') ?? ''} ${await gone}`);
  }
  const launcherPid = child.pid;
  // The launcher's one child is bubblewrap, whose one child is the server.
  [serverPid = 0] = childrenOf(launcherPid).flatMap(childrenOf);

  const waiting = new Map<string, Waiting>();
  const hear = async (): Promise<void> => {
    for (;;) {
      const [verb, slot, ...words] = (await word()) ?? [];
      if (verb === undefined) return;
      waiting.get(slot ?? '')?.heard(verb, words);
    }
  };
  void hear();
  void gone.then((why) => {
    for (const each of waiting.values()) each.lost(new ServerLost(why));
    waiting.clear();
  });
  const say = (...words: (string | number)[]): void => {
    agent.write(`${words.join(' ')}\n`);
  };
  agent.on('error', () => undefined);
  control.on('error', () => undefined);

  // A server that does not answer is worse than none: nobody would hear of its jobs' ends.
  let unanswered = 0;
  waiting.set('ping', { heard: () => (unanswered = 0), lost: () => undefined });
  const pinging = setInterval(() => {
    if (unanswered >= MAX_UNANSWERED) void kill();
    unanswered += 1;
    say('ping', 'ping');
  }, PING_EVERY_MS);
  pinging.unref();
  void gone.then(() => clearInterval(pinging));

  let mounting: Promise<unknown> = Promise.resolve();

  return {
    root: `/proc/${launcherPid}/root`,
    imported: new Set(up.slice(1)),
    gone,
    kill,

    mount(mountSteps) {
      const done = mounting.then(async () => {
        control.write(withLength(mountSteps));
        const [said, ...words] = (await answer()) ?? ['gone'];
        if (said !== 'done') throw new ServerLost([said, ...words].join(' '));
      });
      mounting = done.catch(() => undefined);
      return done;
    },

    fork(slot, uid, attach) {
      return new Promise<Forked>((resolve, reject) => {
        const pipes: Socket[] = [];
        const over = Promise.withResolvers<void>();
        let settleEnd: { resolve(report: Report & { begun: boolean }): void; reject(why: Error): void } | undefined;
        // Not before all of it is gone, and with it what it holds: cgroups, mounts, its user.
        const fail = (why: Error): void => {
          // From `ready` on the pipes are the job's, whose last words may not have been read yet.
          if (settleEnd !== undefined) return;
          clearTimeout(sick);
          for (const pipe of pipes) pipe.destroy();
          void over.promise.then(() => reject(why));
        };
        const sick = setTimeout(() => {
          fail(new Error('the fork server takes too long'));
          void kill();
        }, FORK_MS);

        const born = async ([pid = '', out, err, words]: string[]): Promise<void> => {
          const stdout = openPipe(serverPid, out);
          const stderr = openPipe(serverPid, err);
          const input = new Socket({
            fd: openSync(`/proc/${serverPid}/fd/${words}`, constants.O_WRONLY | constants.O_NONBLOCK),
            readable: false,
            writable: true,
          });
          input.on('error', () => undefined);
          pipes.push(stdout, stderr, input);
          say('opened', slot);
          await attach(hostPidOf(serverPid, pid));
          input.write('a');
        };
        const ready = ([cpuUs, dataKb]: string[]): void => {
          clearTimeout(sick);
          const [stdout, stderr, input] = pipes;
          if (stdout === undefined || stderr === undefined || input === undefined) return fail(new Error('ready before it was born'));
          let startedAt = performance.now();
          const ended = new Promise<Report & { begun: boolean }>((resolveEnd, rejectEnd) => {
            settleEnd = { resolve: resolveEnd, reject: rejectEnd };
          }).then((report) => ({ ...report, wallMs: performance.now() - startedAt, cpuMs: report.cpuMs - Number(cpuUs) / 1000 }));
          ended.catch(() => undefined);
          resolve({
            stdout,
            stderr,
            cpuMs: Number(cpuUs) / 1000,
            inheritedBytes: Number(dataKb) * 1024,
            start(jobWords) {
              startedAt = performance.now();
              input.end(jobWords);
            },
            kill: () => say('kill', slot),
            destroy() {
              for (const pipe of pipes) pipe.destroy();
            },
            ended,
            gone: over.promise,
          });
        };

        waiting.set(slot, {
          heard(verb, words) {
            if (verb === 'born') {
              born(words).catch((error: unknown) => {
                say('kill', slot);
                fail(new Error('a forked process could not be prepared', { cause: error }));
              });
            } else if (verb === 'ready') ready(words);
            else if (verb === 'failed') fail(new Error(`a forked process could not be isolated: ${words.join(' ')}`));
            else if (verb === 'gone') {
              waiting.delete(slot);
              over.resolve();
            } else if (verb === 'ended') {
              const [status = 0, cpuUs = 0, maxRssKb = 0, begun = 0] = words.map(Number);
              // Its pipes are another way than this one: what it wrote last may still be on it, and is its reader's.
              if (settleEnd === undefined) fail(new Error('a forked process ended before it was ready'));
              else settleEnd.resolve({ status, cpuMs: cpuUs / 1000, maxRssBytes: maxRssKb * 1024, wallMs: 0, begun: begun === 1 });
            }
          },
          lost(why) {
            over.resolve();
            settleEnd?.reject(why);
            fail(why);
          },
        });
        say('fork', slot, uid);
      });
    },
  };
}

/** The fork server is gone, and with it every job of its. */
export class ServerLost extends Error {}
