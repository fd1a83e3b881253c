import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startRedis } from '../test/support/redis-server.ts';
import { serviceHome } from '../test/support/service.ts';
import { createDiskArtifacts } from '../src/artifacts/disk.ts';
import { lines, newJob, RUNTIME, succeeded } from '../src/store/contract/jobs-for-tests.contract.ts';
import { createRedisStore } from '../src/store/redis.ts';
import type { Store } from '../src/store/store.ts';
import { flood } from './flood.ts';
import { submit } from './latency.ts';

/**
 * `npm run bench:scale`: what more workers bring, what the queue costs, and how fast a log gets from one process to another over Redis.
 * The client, Redis, all processes and the jobs share the machine's cores.
 */

const TICK_MS = 10;
const LEASE_MS = 10_000;
const say = (text: string): boolean => process.stderr.write(`${text}\n`);
const rows: [what: string, measured: string][] = [];

const cpuMsOf = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};

// As most will have it: flushed every second. Tests of what is lost flush always.
const redis = await startRedis('--appendfsync', 'everysec');
const home = await serviceHome();
let runs = 0;

/** The store alone: what all that is done for one job costs, but for running it. */
async function queueCost(count: number): Promise<void> {
  say(`the queue: ${count} jobs …`);
  const artifacts = createDiskArtifacts({ dir: home.dir });
  await artifacts.check();
  const open = (): Store =>
    createRedisStore({ url: redis.url, prefix: 'cost', archive: artifacts, leaseMs: LEASE_MS, keepMs: 0, warn: (what) => say(what) });
  const [api, worker] = [open(), open()];
  const waiting = new AbortController();
  const warmUp = 100;
  const jobs = Array.from({ length: warmUp + count }, () => newJob());
  // As uploads have done by then.
  for (const { id } of jobs) await mkdir(join(home.dir, id));
  const one = async (): Promise<void> => {
    const job = jobs.pop();
    if (job === undefined) throw new Error('there is no job left');
    await api.insert(job);
    const claim = await worker.claim({ worker: 'bench', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: waiting.signal });
    if (claim === undefined) throw new Error('there is no job to claim');
    for (let batch = 0; batch < 3; batch += 1) await worker.append(claim.lease, lines(3));
    await worker.finish(claim.lease, succeeded({ log: lines(1) }));
  };
  for (let warm = 0; warm < warmUp; warm += 1) await one();
  const [ours, theirs] = [process.cpuUsage(), await cpuMsOf(redis.pid())];
  for (let done = 0; done < count; done += 1) await one();
  const used = process.cpuUsage(ours);
  const node = (used.user + used.system) / 1000 / count;
  const server = ((await cpuMsOf(redis.pid())) - theirs) / count;
  rows.push(['CPU of the queue for one job, API and worker', `${node.toFixed(2)} ms`]);
  rows.push(['and of Redis', `${server.toFixed(2)} ms`]);
  waiting.abort();
  await api.close();
  await worker.close();
}

const variables = (): Record<string, string> => ({ REDIS_URL: redis.url, REDIS_PREFIX: `bench-${runs}`, INLINE_WORKER: '0' });

async function ready(url: string): Promise<void> {
  while ((await fetch(`${url}/readyz`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Jobs a second of so many workers, one job at a time each. */
async function throughputOf(workers: number, jobs: number): Promise<number> {
  say(`${workers} workers: ${jobs} jobs that sleep 100 ms …`);
  runs += 1;
  const api = await home.start(variables());
  const crew = [];
  for (let index = 0; index < workers; index += 1) crew.push(await home.startWorker({ ...variables(), CONCURRENCY: '1', WARM_POOL: '2' }));
  await ready(api.url);
  const run = async (count: number): Promise<number> => {
    const begun = performance.now();
    const ids = await Promise.all(Array.from({ length: count }, () => submit(api.url, 'import time; time.sleep(0.1)')));
    await Promise.all(
      ids.map(async (id) => {
        const response = await fetch(`${api.url}/jobs/${id}/logs/stream`);
        await response.text();
      }),
    );
    return (count / (performance.now() - begun)) * 1000;
  };
  await run(workers * 2);
  const perSecond = await run(jobs);
  for (const service of [...crew, api]) await service.kill('SIGTERM');
  return perSecond;
}

async function logSpeed(count: number): Promise<void> {
  say(`${count} lines, with a viewer on another API …`);
  runs += 1;
  const api = await home.start(variables());
  const worker = await home.startWorker({ ...variables(), CONCURRENCY: '1' });
  await ready(api.url);
  const result = await flood(api.url, count, 1, api.pid);
  rows.push(['log lines/s from a worker over Redis to a viewer of an API', Math.round(result.linesPerSecond).toLocaleString('en')]);
  rows.push([
    '  lost or doubled; the same program into a pipe',
    `${result.wrong}; ${Math.round(result.barePerSecond).toLocaleString('en')}/s`,
  ]);
  for (const service of [worker, api]) await service.kill('SIGTERM');
}

/** The store's part of that alone: one process appends, another follows. */
async function storeLogSpeed(count: number): Promise<void> {
  say(`${count} lines between two processes, the store alone …`);
  const artifacts = createDiskArtifacts({ dir: home.dir });
  const store = createRedisStore({
    url: redis.url,
    prefix: 'lines',
    archive: artifacts,
    leaseMs: LEASE_MS,
    keepMs: 0,
    warn: (what) => say(what),
  });
  const job = newJob();
  await store.insert(job);
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'scale-writer.ts'), redis.url, home.dir, String(count)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let seen = 0;
  let begun = 0;
  for await (const chunk of store.follow(job.id, 0, new AbortController().signal)) {
    if (seen === 0) begun = performance.now();
    seen += chunk.length;
  }
  rows.push([
    'log lines/s between two processes, the store alone',
    Math.round((seen / (performance.now() - begun)) * 1000).toLocaleString('en'),
  ]);
  if (seen !== count) throw new Error(`${count} lines were written, ${seen} seen`);
  writer.kill();
  await store.close();
}

try {
  await queueCost(1000);
  await storeLogSpeed(500_000);
  await logSpeed(200_000);
  const one = await throughputOf(1, 40);
  const four = await throughputOf(4, 160);
  rows.push(['jobs/s of one worker, jobs that sleep 100 ms', one.toFixed(2)]);
  rows.push(['jobs/s of four', `${four.toFixed(2)}: ${(four / one).toFixed(2)}×`]);
} finally {
  await home.close();
  await redis.close();
}
const width = Math.max(...rows.map(([what]) => what.length));
process.stdout.write(rows.map(([what, measured]) => `| ${what.padEnd(width)} | ${measured} |`).join('\n') + '\n');
