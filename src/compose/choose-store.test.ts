import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { skipRedis, startRedis } from '../../test/support/redis-server.ts';
import { createDiskArtifacts } from '../artifacts/disk.ts';
import { readConfig } from '../config.ts';
import { AT_ONCE, newJob, RUNTIME, succeeded } from '../store/contract/jobs-for-tests.contract.ts';
import { chooseStore } from './choose-store.ts';

// Reported where there is no Redis; continuous integration fails without one.
it.skipIf(skipRedis)('ends and cancels jobs in Redis whatever part of an hour they are kept for', async () => {
  const server = await startRedis();
  const dir = await mkdtemp(join(tmpdir(), 'job-runner-choose-'));
  const config = readConfig({ JOB_DATA_DIR: dir, REDIS_URL: server.url, RETENTION_HOURS: '8.2' });
  const store = await chooseStore(config, createDiskArtifacts({ dir }), pino({ level: 'silent' }));
  try {
    await store.insert(newJob());
    const claimed = await store.claim({ worker: 'w', leaseMs: config.LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE });
    expect(claimed && (await store.finish(claimed.lease, succeeded()))).toBe(true);
    const canceled = newJob();
    await store.insert(canceled);
    expect(await store.cancel(canceled.id, [])).toMatchObject({ status: 'canceled' });
  } finally {
    await store.close();
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
});
