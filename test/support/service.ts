import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NODE_FLAGS } from '../../src/node-flags.ts';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** The whole service as people run it: the built program in a process of its own. */
export interface RunningService {
  url: string;
  pid: number;
  dataDir: string;
  /** What it said on stdout and stderr so far. */
  said(): string;
  /** Resolves with its exit code, or the signal's name, when it is gone. */
  gone: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

export interface ServiceHome {
  dir: string;
  start(variables?: Record<string, string>): Promise<RunningService>;
  /** A worker of its own, on the same folder. It has no address. */
  startWorker(variables?: Record<string, string>): Promise<RunningService>;
  /** Starts it where it is expected to refuse; resolves with its exit code and words. */
  refuse(variables: Record<string, string>): Promise<{ code: number | NodeJS.Signals; said: string }>;
  close(): Promise<void>;
}

const DIST = join(import.meta.dirname, '../../dist');
/** What a program says when it is ready, and where. */
const READY = /listens on (http:\S+)|waits for jobs/;

/** A data folder, and services one after the other on it. */
export async function serviceHome(): Promise<ServiceHome> {
  const dir = await mkdtemp(join(tmpdir(), 'job-runner-e2e-'));
  const alive = new Set<ChildProcess>();

  const launch = (
    variables: Record<string, string>,
    program = 'main.js',
  ): { child: ChildProcess; said: () => string; gone: Promise<number | NodeJS.Signals> } => {
    const child = spawn(process.execPath, [...NODE_FLAGS, join(DIST, program)], {
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        PORT: '0',
        JOB_DATA_DIR: join(dir, 'jobs'),
        RUNTIME_PACKAGES: 'off',
        LOG_LEVEL: 'warn',
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    alive.add(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()));
    const gone = new Promise<number | NodeJS.Signals>((resolve) => {
      child.once('close', (code, signal) => {
        alive.delete(child);
        resolve(signal ?? code ?? -1);
      });
    });
    return { child, said: () => text, gone };
  };

  const started = async (variables: Record<string, string> = {}, program: string): Promise<RunningService> => {
    const { child, said, gone } = launch(variables, program);
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', () => {
        const match = READY.exec(said());
        if (match !== null) resolve(match[1] ?? '');
      });
      void gone.then((code) => reject(new Error(`the service ended with ${code}: ${said()}`)));
    });
    return {
      url,
      pid: child.pid ?? 0,
      dataDir: join(dir, 'jobs'),
      said,
      gone,
      kill(signal) {
        child.kill(signal);
        return gone;
      },
    };
  };

  return {
    dir,
    start: (variables) => started(variables, 'main.js'),
    startWorker: (variables) => started(variables, 'worker-main.js'),
    async refuse(variables) {
      const { said, gone } = launch(variables);
      return { code: await gone, said: said() };
    },
    async close() {
      for (const child of alive) child.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** How many descriptors a service may have from now on: what is open stays so. */
export const limitDescriptors = ({ pid }: RunningService, limit: number): void =>
  void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);

/** Events of a stream until it ends or breaks; `onEvent` may look at each. Resolves with all of them. */
export async function readStream(
  url: string,
  onEvent: (event: EventSourceMessage) => void = () => undefined,
  headers: Record<string, string> = {},
): Promise<EventSourceMessage[]> {
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => {
      events.push(event);
      onEvent(event);
    },
  });
  const decoder = new TextDecoder();
  try {
    const response = await fetch(url, { headers });
    for await (const part of response.body ?? []) parser.feed(decoder.decode(part, { stream: true }));
  } catch {
    // Broken off: what came before counts.
  }
  return events;
}

/** Follows a job's log like a browser: comes back after each break, with the number that it has. Resolves with the lines. */
export async function followAll(urlNow: () => string, id: string): Promise<string[]> {
  const got: string[] = [];
  let last = '0';
  for (;;) {
    const events = await readStream(`${urlNow()}/jobs/${id}/logs/stream`, () => undefined, { 'last-event-id': last });
    for (const event of events) {
      if (event.event === 'end') return got;
      got.push(event.data);
      last = event.id ?? last;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
