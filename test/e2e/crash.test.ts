import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobOf, submit } from '../support/app.ts';
import { followAll, readStream, serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
beforeEach(async () => {
  home = await serviceHome();
});
afterEach(() => home.close());

const finalOf = async (service: () => RunningService, id: string): Promise<Record<string, unknown>> => {
  await followAll(() => service().url, id);
  return (await jobOf(service().url, id)).job;
};

const COUNTING = 'import time\nfor i in range(40):\n  print(i, flush=True)\n  time.sleep(0.05)';

describe('kill -9 of the service', () => {
  it('loses no accepted job: queued ones run, running ones are retried, finished ones stay', async () => {
    let service = await home.start({ CONCURRENCY: '1' });
    const done = await submit(service.url, { code: { 'main.py': 'print("done")' } });
    await readStream(`${service.url}/jobs/${done}/logs/stream`);
    const before = await jobOf(service.url, done);
    const running = await submit(service.url, { code: { 'main.py': COUNTING } });
    const queued = await submit(service.url, { code: { 'main.py': 'print("at last")' } });
    const killed = new Promise<void>((resolve) => {
      void readStream(`${service.url}/jobs/${running}/logs/stream`, (event) => {
        if (event.data === '5') void service.kill('SIGKILL').then(() => resolve());
      });
    });
    await killed;

    service = await home.start({ CONCURRENCY: '1' });
    expect(await jobOf(service.url, done)).toEqual(before);
    expect(await finalOf(() => service, running)).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(await finalOf(() => service, queued)).toMatchObject({ status: 'succeeded', attempt: 1 });
    const log = await (await fetch(`${service.url}/jobs/${running}/logs`)).text();
    expect(log).toContain('[runner] the worker was lost in attempt 1 of 2; the job goes back to the queue\n');
    expect(log.endsWith(`${Array.from({ length: 40 }, (_, i) => `${i}\n`).join('')}[runner] finished with code 0\n`)).toBe(true);
  });

  it('lets a viewer go on where it was, with nothing lost and nothing twice', async () => {
    let service = await home.start();
    const id = await submit(service.url, { code: { 'main.py': COUNTING } });
    const following = followAll(() => service.url, id);
    await readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data === '8') void service.kill('SIGKILL');
    });
    await service.gone;
    service = await home.start();
    const lines = await following;
    expect(`${lines.join('\n')}\n`).toBe(await (await fetch(`${service.url}/jobs/${id}/logs`)).text());
  });

  it('ends a job as lost when its attempts are used up', async () => {
    let service = await home.start({ MAX_ATTEMPTS: '1' });
    const id = await submit(service.url, { code: { 'main.py': 'print("up", flush=True)\nimport time; time.sleep(60)' } });
    await readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data === 'up') void service.kill('SIGKILL');
    });
    service = await home.start({ MAX_ATTEMPTS: '1' });
    expect(await finalOf(() => service, id)).toMatchObject({
      status: 'failed',
      error: 'worker lost',
      cause: 'worker_lost',
      exit_code: null,
    });
  });

  it('takes every process of the jobs along', async () => {
    const marker = `marker-${process.pid}-${Math.random()}`;
    const service = await home.start();
    const id = await submit(service.url, {
      spec: { args: [marker] },
      code: { 'main.py': 'import os, time\nif os.fork() == 0: os.setsid()\nelse: print("up", flush=True)\ntime.sleep(60)' },
    });
    await readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data === 'up') void service.kill('SIGKILL');
    });
    await service.gone;
    const { readFile } = await import('node:fs/promises');
    const left = async (): Promise<string[]> => {
      const lines = await Promise.all(
        (await readdir('/proc'))
          .filter((name) => /^\d+$/.test(name))
          .map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
      );
      return lines.filter((line) => line.includes(marker));
    };
    await expect.poll(left).toEqual([]);
  });
});

describe('SIGTERM', () => {
  it('lets a running job end within the grace time, while it can still be followed', async () => {
    const service = await home.start();
    const id = await submit(service.url, { code: { 'main.py': 'import time\nprint("up", flush=True)\ntime.sleep(1)\nprint("ended")' } });
    const events = await readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data === 'up') void service.kill('SIGTERM');
    });
    expect(events.map((event) => event.data).slice(-3)).toEqual(['ended', '[runner] finished with code 0', 'complete']);
    expect(await service.gone).toBe(0);
  });

  it('hands a job that takes longer back to the queue, at no cost of an attempt', async () => {
    let service = await home.start({ DRAIN_GRACE_MS: '200', MAX_ATTEMPTS: '1' });
    const id = await submit(service.url, { code: { 'main.py': 'import os, time\nprint("up", flush=True)\ntime.sleep(2)' } });
    await readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data === 'up') void service.kill('SIGTERM');
    });
    expect(await service.gone).toBe(0);
    service = await home.start({ MAX_ATTEMPTS: '1' });
    expect(await finalOf(() => service, id)).toMatchObject({ status: 'succeeded', attempt: 1 });
  });
});
