import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { jobOf, submit } from '../support/app.ts';
import { processesWith } from '../support/processes.ts';
import { skipRedis, startRedis, type RedisServer } from '../support/redis-server.ts';
import { followAll, limitDescriptors, readStream, serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const COUNTING = 'import time\nfor i in range(40):\n  print(i, flush=True)\n  time.sleep(0.05)';
const UP = 'import time\nprint("up", flush=True)\ntime.sleep(60)';

describe.skipIf(skipRedis)('APIs and workers of their own, over Redis', () => {
  let redis: RedisServer;
  let home: ServiceHome;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());
  beforeEach(async () => {
    home = await serviceHome();
    prefix = `e2e-${process.pid}-${count++}`;
  });
  afterEach(() => home.close());

  let count = 0;
  let prefix = '';
  const variables = (more: Record<string, string> = {}): Record<string, string> => ({
    REDIS_URL: redis.url,
    REDIS_PREFIX: prefix,
    INLINE_WORKER: '0',
    LEASE_MS: '3000',
    ...more,
  });
  const startApi = (more?: Record<string, string>): Promise<RunningService> => home.start(variables(more));
  const startWorker = (more?: Record<string, string>): Promise<RunningService> =>
    home.startWorker(variables({ CONCURRENCY: '2', WARM_STARTS: '0', ...more }));
  const run = (api: RunningService, program: string, spec: object = {}): Promise<string> =>
    submit(api.url, { spec, code: { 'main.py': program } });
  const finalOf = async (api: RunningService, id: string): Promise<Record<string, unknown>> => {
    await followAll(() => api.url, id);
    return (await jobOf(api.url, id)).job;
  };
  /** Resolves when a job has printed a line. */
  const printed = (api: RunningService, id: string, line: string): Promise<void> =>
    new Promise((resolve) => {
      void readStream(`${api.url}/jobs/${id}/logs/stream`, (event) => {
        if (event.data === line) resolve();
      });
    });
  const readyOf = async (api: RunningService): Promise<{ status: number; parts: { name: string; ok: boolean; detail: string }[] }> => {
    const response = await fetch(`${api.url}/readyz`);
    return { status: response.status, ...((await response.json()) as { parts: [] }) };
  };

  /** Resolves when the API knows that its workers are there. */
  const workersKnown = async (api: RunningService): Promise<void> => {
    await expect.poll(async () => (await readyOf(api)).status).toBe(200);
  };

  it('accepts jobs before there is a worker, says that it is not ready, and runs them when one comes', async () => {
    const api = await startApi();
    const before = await readyOf(api);
    expect(before.status).toBe(503);
    expect(before.parts.find(({ name }) => name === 'workers')).toMatchObject({ ok: false });
    expect(((await (await fetch(`${api.url}/runtimes`)).json()) as { runtimes: object[] }).runtimes).toMatchObject([
      { name: 'python3.12', default: true, state: 'preparing' },
    ]);
    const unknown = await fetch(`${api.url}/jobs`, { method: 'POST', body: formWith({ runtime: 'cobol' }) });
    expect(unknown.status).toBe(422);
    const worker = await startWorker();
    await workersKnown(api);
    const { runtimes } = (await (await fetch(`${api.url}/runtimes`)).json()) as { runtimes: { name: string; state: string }[] };
    const id = await run(api, 'print("ran")');
    expect(await finalOf(api, id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    // What its workers could run is remembered when they are gone, and jobs for it wait.
    await worker.kill('SIGTERM');
    await expect.poll(async () => (await readyOf(api)).status).toBe(503);
    const waiting = await run(api, 'print("waited")', { runtime: runtimes[0]?.name });
    expect((await jobOf(api.url, waiting)).job).toMatchObject({ status: 'queued' });
    await startWorker();
    expect(await finalOf(api, waiting)).toMatchObject({ status: 'succeeded' });
  });

  it('puts a job back that its worker has no descriptors for, and takes it again when there are some', async () => {
    const [api, worker] = await Promise.all([startApi(), startWorker({ CONCURRENCY: '1' })]);
    await workersKnown(api);
    const limit = (descriptors: number): void => limitDescriptors(worker, descriptors);
    limit(1);
    const id = await run(api, 'print("ran")');
    const lines: string[] = [];
    await readStream(`${api.url}/jobs/${id}/logs/stream`, ({ data }) => {
      lines.push(data);
      if (data === '[runner] the worker has no descriptors left for the moment; the job goes back to the queue') limit(4096);
    });
    expect(lines).toEqual([
      expect.stringContaining('starting job'),
      expect.stringContaining('no descriptors left'),
      expect.stringContaining('starting job'),
      'ran',
      '[runner] finished with code 0',
      'complete',
    ]);
    expect((await jobOf(api.url, id)).job).toMatchObject({ status: 'succeeded', attempt: 1 });
  });

  it('streams a log to every API, ends it, and serves it after the job is over as before', async () => {
    const [one, other] = await Promise.all([startApi(), startApi(), startWorker()]);
    await workersKnown(one);
    const id = await run(one, COUNTING);
    const streams = await Promise.all([one, other, other].map((api) => readStream(`${api.url}/jobs/${id}/logs/stream`)));
    for (const events of streams) {
      const lines = events.filter(({ event }) => event === undefined).map(({ data }) => data);
      expect(lines).toEqual([
        `[runner] starting job ${id}`,
        ...Array.from({ length: 40 }, (_, i) => String(i)),
        '[runner] finished with code 0',
      ]);
      expect(events.at(-1)).toMatchObject({ event: 'end', data: 'complete' });
    }
    const client = new Redis(redis.url);
    await expect.poll(() => client.hget(`${prefix}:job:${id}`, 'log_archived')).toBe('1');
    client.disconnect();
    // Defect 3 of the original: a stream of a finished job that never ends.
    const after = await readStream(`${other.url}/jobs/${id}/logs/stream`, () => undefined, { 'last-event-id': '39' });
    expect(after.map(({ data }) => data)).toEqual(['38', '39', '[runner] finished with code 0', 'complete']);
    expect(await (await fetch(`${other.url}/jobs/${id}/logs`)).text()).toContain('\n39\n[runner] finished with code 0\n');
  });

  it('ends a canceled job at once, whichever API is asked', async () => {
    const [one, other] = await Promise.all([startApi(), startApi(), startWorker()]);
    await workersKnown(one);
    const id = await run(one, UP);
    await printed(one, id, 'up');
    const asked = performance.now();
    await fetch(`${other.url}/jobs/${id}/cancel`, { method: 'POST' });
    expect(await finalOf(one, id)).toMatchObject({ status: 'canceled' });
    // Far below the time to the next renewal of its lease would be a measurement; that it ends is the point.
    expect(performance.now() - asked).toBeLessThan(10_000);
  });

  it('runs the jobs of a worker that was killed elsewhere, and none of their processes stays', async () => {
    const [api, first] = await Promise.all([startApi(), startWorker()]);
    await workersKnown(api);
    const marker = `marker-${process.pid}-${count}`;
    const id = await run(api, COUNTING, { args: [marker] });
    await printed(api, id, '3');
    await first.kill('SIGKILL');
    await startWorker();
    expect(await finalOf(api, id)).toMatchObject({ status: 'succeeded', attempt: 2 });
    await expect.poll(() => processesWith(marker)).toEqual([]);
    const log = await (await fetch(`${api.url}/jobs/${id}/logs`)).text();
    expect(log).toContain('[runner] the worker was lost in attempt 1 of 2; the job goes back to the queue\n');
  });

  it('hands the jobs of a worker that is told to stop to another one, at no cost of an attempt', async () => {
    const [api, first] = await Promise.all([startApi({ MAX_ATTEMPTS: '1' }), startWorker({ DRAIN_GRACE_MS: '100', MAX_ATTEMPTS: '1' })]);
    await workersKnown(api);
    const id = await run(api, COUNTING);
    await printed(api, id, '3');
    expect(await first.kill('SIGTERM')).toBe(0);
    await startWorker({ MAX_ATTEMPTS: '1' });
    expect(await finalOf(api, id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  });

  it('stops the jobs of a worker that is cut off before anybody else runs them', async () => {
    const proxy = await startTcpProxy(redis.port);
    try {
      const [api, cutOff] = await Promise.all([startApi(), startWorker({ REDIS_URL: `redis://127.0.0.1:${proxy.port}/0` })]);
      await workersKnown(api);
      const marker = `marker-${process.pid}-${count}`;
      const id = await run(api, 'import os, time\nprint("up", flush=True)\nfor _ in range(30): time.sleep(0.1)\nprint("ended")', {
        args: [marker],
      });
      await printed(api, id, 'up');
      proxy.cut();
      await printed(api, id, '[runner] the worker was lost in attempt 1 of 2; the job goes back to the queue');
      // Nobody else could have begun with it yet, and nothing of the first copy is left.
      expect(await processesWith(marker)).toEqual([]);
      await startWorker();
      expect(await finalOf(api, id)).toMatchObject({ status: 'succeeded', attempt: 2 });
      const lines = await followAll(() => api.url, id);
      expect(lines.filter((line) => line === 'ended')).toHaveLength(1);
      expect(await processesWith(marker)).toEqual([]);
      // Once it is connected again it goes on.
      proxy.mend();
      const next = await run(api, 'print("again")');
      expect(await finalOf(api, next)).toMatchObject({ status: 'succeeded' });
      expect(await cutOff.kill('SIGTERM')).toBe(0);
    } finally {
      await proxy.close();
    }
  });

  it('outlives a Redis that is away: 503 with a time to come back, workers that wait, and nothing lost', async () => {
    const [api] = await Promise.all([startApi(), startWorker({ CONCURRENCY: '1', LEASE_MS: '10000' })]);
    await workersKnown(api);
    const running = await run(api, COUNTING);
    const queued = await run(api, 'print("at last")');
    await printed(api, running, '3');
    await redis.kill();
    const refused = await fetch(`${api.url}/jobs`, { method: 'POST', body: formWith({}) });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await fetch(`${api.url}/jobs/${queued}`)).status).toBe(503);
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    await redis.start();
    // Defect 11 of the original: a moment without Redis killed the worker for good.
    expect(await finalOf(api, running)).toMatchObject({ status: 'succeeded' });
    expect(await finalOf(api, queued)).toMatchObject({ status: 'succeeded', attempt: 1 });
    const text = await (await fetch(`${api.url}/jobs/${running}/logs`)).text();
    expect(text).toContain(`${Array.from({ length: 40 }, (_, i) => `${i}\n`).join('')}[runner] finished with code 0\n`);
  });

  it('is API and worker in one process when there is only Redis to be told of', async () => {
    const both = await home.start(variables({ INLINE_WORKER: '1', CONCURRENCY: '1' }));
    expect((await readyOf(both)).status).toBe(200);
    const id = await run(both, 'print("here")');
    expect(await finalOf(both, id)).toMatchObject({ status: 'succeeded' });
    expect(await both.kill('SIGTERM')).toBe(0);
  });

  it('refuses to start where there is no Redis, and says how to mend it', async () => {
    const { code, said } = await home.refuse(variables({ REDIS_URL: 'redis://127.0.0.1:1/0' }));
    expect(code).toBe(1);
    expect(said).toMatch(/Redis at redis:\/\/127\.0\.0\.1:1\/0 does not answer[^]*→ .*REDIS_URL/);
    expect(said).not.toMatch(/\n\s+at /);
  });
});

function formWith(spec: object): FormData {
  const form = new FormData();
  form.set('spec', JSON.stringify(spec));
  form.set('code_files', new Blob(['print(1)']), 'main.py');
  return form;
}
