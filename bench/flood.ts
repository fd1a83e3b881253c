import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { percentile } from './figures.ts';
import { submit } from './latency.ts';

export interface FloodResult {
  linesPerSecond: number;
  /** Viewers that did not get exactly every line once, in order. */
  wrong: number;
  statusP95: number;
  /** 0 when the service is not ours to look into. */
  peakBytes: number;
  /** The same program's lines, written into a pipe that is only read. */
  barePerSecond: number;
}

const program = (lines: number): string =>
  `import sys\nfor start in range(0, ${lines}, 100):\n  sys.stdout.write("".join(f"line {i}\\n" for i in range(start, start + 100)))\n`;

export const memoryOf = async (pid: number | undefined): Promise<number> =>
  pid === undefined ? 0 : Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** A thread that asks for a job's status again and again. Resolves when it is warm; `watch` names the job, `stop` tells the time that 95 of 100 requests took no longer than. */
export async function statusWatcher(base: string): Promise<{ watch(id: string): void; stop(): Promise<number> }> {
  const worker = new Worker(new URL('status-watch.ts', import.meta.url), { workerData: { base } });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return {
    watch: (id) => worker.postMessage(id),
    stop: () =>
      new Promise((resolve) => {
        worker.once('message', (times: number[]) => resolve(percentile(times, 95)));
        worker.postMessage('stop');
      }),
  };
}

async function barely(lines: number): Promise<number> {
  const begun = performance.now();
  await new Promise<void>((resolve) => {
    const child = spawn('python3', ['-u', '-c', program(lines)], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.resume();
    child.once('close', () => resolve());
  });
  return (lines / (performance.now() - begun)) * 1000;
}

/** One program prints, viewers look on: one of many never reads while it prints, ten come and go. */
export async function flood(base: string, lines: number, viewers: number, pid: number | undefined): Promise<FloodResult> {
  const status = await statusWatcher(base);
  const id = await submit(base, program(lines), { output_limit_mb: 512, timeout_sec: 300 });
  const begun = performance.now();
  status.watch(id);
  let peakBytes = 0;
  const sampling = setInterval(() => void memoryOf(pid).then((bytes) => (peakBytes = Math.max(peakBytes, bytes))), 50);

  const sleeper = viewers >= 50 ? neverReading(base, id) : undefined;
  // Viewers live in a thread of their own, so that this one can time the status requests.
  const watching = viewers > 0 ? viewersIn(base, id, lines, viewers - (sleeper === undefined ? 0 : 1), viewers >= 50 ? 10 : 0) : undefined;
  const finished = (async () => {
    for (;;) {
      const { job } = (await (await fetch(`${base}/jobs/${id}`)).json()) as { job: { finished_at: string | null } };
      if (job.finished_at !== null) return performance.now() - begun;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const statusP95 = await finished.then(() => status.stop());
  const firstDone = watching === undefined ? undefined : await watching;
  const elapsed = viewers === 1 && firstDone !== undefined ? firstDone.elapsedMs : await finished;
  let wrong = firstDone?.wrong ?? 0;
  if (sleeper !== undefined && !(await sleeper.readAll(lines))) wrong += 1;
  const text = await (await fetch(`${base}/jobs/${id}/logs`)).text();
  if (text.split('\n').filter((line) => line.startsWith('line ')).length !== lines) wrong += 1;
  clearInterval(sampling);
  return {
    linesPerSecond: (lines / elapsed) * 1000,
    wrong,
    statusP95,
    peakBytes,
    barePerSecond: await barely(lines),
  };
}

function viewersIn(
  base: string,
  id: string,
  lines: number,
  count: number,
  reconnecting: number,
): Promise<{ wrong: number; elapsedMs: number }> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('viewers.ts', import.meta.url), { workerData: { base, id, lines, count, reconnecting } });
    worker.once('message', resolve).once('error', reject);
  });
}

/** A connection whose receiving side stays full until `readAll`. */
function neverReading(base: string, id: string): { readAll(lines: number): Promise<boolean> } {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.write(`GET /jobs/${id}/logs/stream HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n`);
  return {
    async readAll(lines) {
      let next = 0;
      let rest = '';
      for await (const part of socket) {
        const pieces = (rest + (part as Buffer).toString('latin1')).split('\n');
        rest = pieces.pop() ?? '';
        for (const piece of pieces) {
          const match = /^data: line (\d+)$/.exec(piece);
          if (match !== null && Number(match[1]) !== next++) return false;
        }
      }
      return next === lines;
    },
  };
}
