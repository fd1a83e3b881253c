import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../test/support/redis-server.ts';
import { createDiskArtifacts } from '../artifacts/disk.ts';
import type { StoreUnderTest } from './contract/store-under-test.contract.ts';
import { LEASE_MS } from './contract/jobs-for-tests.contract.ts';
import { createRedisStore, type RedisOptions } from './redis.ts';

const A_DAY_IN_2026 = Date.UTC(2026, 0, 15);

/** What a Redis store of a test needs beside a name of its own. */
export interface RedisUnderTest extends StoreUnderTest {
  prefix: string;
  archiveDir: string;
  /** One more process's, on the same data. */
  another(more?: Partial<RedisOptions>): StoreUnderTest['store'];
}

/** A store on a Redis, under a prefix of its own. `crash` ends what a crash should end beside the process. */
export async function openRedisStore(server: RedisServer, crash: () => Promise<void> = async () => undefined): Promise<RedisUnderTest> {
  const archiveDir = await mkdtemp(join(tmpdir(), 'redis-archive-'));
  const archive = createDiskArtifacts({ dir: archiveDir });
  await archive.check();
  const prefix = `test-${randomUUID()}`;
  let now = A_DAY_IN_2026;
  const opened: StoreUnderTest['store'][] = [];
  const open = (more: Partial<RedisOptions> = {}): StoreUnderTest['store'] => {
    const store = createRedisStore({
      url: server.url,
      prefix,
      archive,
      leaseMs: LEASE_MS,
      keepMs: 0,
      warn: (what, error) => {
        throw new Error(what, { cause: error });
      },
      now: () => now,
      ...more,
    });
    opened.push(store);
    return store;
  };

  const under: RedisUnderTest = {
    store: open(),
    prefix,
    archiveDir,
    another: open,
    now: () => now,
    async advance(ms) {
      now += ms;
    },
    async reopen() {
      // Nothing is given back: to everybody else the process is simply gone.
      await under.store.close();
      await crash();
      under.store = open();
      return under.store;
    },
    async close() {
      for (const store of opened) await store.close();
      const redis = new Redis(server.url);
      for await (const names of redis.scanStream({ match: `${prefix}:*`, count: 1000 }) as AsyncIterable<string[]>) {
        if (names.length > 0) await redis.unlink(...names);
      }
      redis.disconnect();
      await rm(archiveDir, { recursive: true, force: true });
    },
  };
  return under;
}
