import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { skipRedis, startRedis, type RedisServer } from '../../test/support/redis-server.ts';
import { createDiskArtifacts } from '../artifacts/disk.ts';
import { StartError } from '../errors.ts';
import {
  AT_ONCE,
  LEASE_MS,
  line,
  lines,
  never,
  newJob,
  RULES,
  RUNTIME,
  seqs,
  specWith,
  succeeded,
  texts,
  upTo,
} from './contract/jobs-for-tests.contract.ts';
import { createAttempts } from './redis-attempts.ts';
import { createKeys } from './redis-keys.ts';
import { encodeLog } from './redis-log.ts';
import { openRedisStore, type RedisUnderTest } from './redis-under-test.contract.ts';
import { createRedisStore } from './redis.ts';
import { storeContract } from './store.contract.ts';
import { StoreError, type Claim, type LogEntry, type Store } from './store.ts';

describe.skipIf(skipRedis)('with a Redis of its own', () => {
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    redis.on('error', () => undefined);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.close();
  });

  // A crash takes Redis along: what was promised outlives both.
  storeContract('redis', () =>
    openRedisStore(server, async () => {
      await server.kill();
      await server.start();
    }),
  );

  describe('redis', () => {
    let under: RedisUnderTest;
    beforeEach(async () => {
      under = await openRedisStore(server);
    });
    afterEach(() => under.close());

    const claimFrom = async (store: Store): Promise<Claim> => {
      const claim = await store.claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE });
      if (claim === undefined) throw new Error('there is no job to claim');
      return claim;
    };
    const followed = async (store: Store, id: string, after = 0): Promise<LogEntry[]> => {
      const entries: LogEntry[] = [];
      for await (const chunk of store.follow(id, after, never())) entries.push(...chunk);
      return entries;
    };
    const keysLike = (pattern: string): Promise<string[]> => redis.keys(`${under.prefix}:${pattern}`);
    /** Waits for what happens behind the scenes. */
    const until = async (what: () => Promise<boolean>): Promise<void> => {
      await expect.poll(what, { interval: 5 }).toBe(true);
    };

    /** A way to Redis that breaks when an answer with `mark` in it is to come back, once. */
    const losingOne = async (mark: string): Promise<{ port: number; hasLost: () => boolean; close: () => void }> => {
      let hasLost = false;
      const way = createServer((near) => {
        const far = connect(server.port, '127.0.0.1');
        const end = (): void => void (near.destroy(), far.destroy());
        near.pipe(far);
        for (const socket of [near, far]) socket.on('error', end).on('close', end);
        far.on('data', (part) => {
          if (hasLost || !part.includes(mark)) return near.write(part);
          hasLost = true;
          return end();
        });
      });
      await once(way.listen(0, '127.0.0.1'), 'listening');
      return { port: (way.address() as AddressInfo).port, hasLost: () => hasLost, close: () => void way.close() };
    };

    describe('in many processes', () => {
      it('tells the worker of a job at once that it is to be canceled, wherever it is asked', async () => {
        const job = newJob();
        await under.store.insert(job);
        const worker = under.another();
        const { canceled } = await claimFrom(worker);
        const told = new Promise((resolve) => canceled.addEventListener('abort', resolve));
        await under.store.cancel(job.id, []);
        await told;
      });

      it('wakes a claimer in another process, and one only', async () => {
        const stop = new AbortController();
        const claimers = Array.from({ length: 3 }, () =>
          under.another().claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: stop.signal }),
        );
        const job = newJob();
        await under.store.insert(job);
        expect((await Promise.race(claimers))?.job.id).toBe(job.id);
        stop.abort();
        expect((await Promise.all(claimers)).filter((claim) => claim !== undefined)).toHaveLength(1);
      });

      it('shows a log in all of them as it comes, and how it ends', async () => {
        const job = newJob();
        await under.store.insert(job);
        const worker = under.another();
        const { lease } = await claimFrom(worker);
        const viewers = [under.store, under.store, under.another()].map((store) => followed(store, job.id));
        for (let batch = 0; batch < 50; batch += 1) await worker.append(lease, lines(1 + (batch % 5)));
        await worker.finish(lease, succeeded({ log: lines(2) }));
        const total = (await under.store.get(job.id))?.logLines ?? 0;
        for (const viewer of viewers) expect(seqs(await viewer)).toEqual(upTo(total));
      });

      it('reads logs over one blocking connection a process, however many viewers', async () => {
        const jobs = await Promise.all(
          Array.from({ length: 20 }, async () => {
            await under.store.insert(newJob());
            return claimFrom(under.store);
          }),
        );
        const stop = new AbortController();
        const heard = jobs.map(() => Promise.withResolvers<void>());
        const viewers = jobs.flatMap(({ job }, index) =>
          Array.from({ length: 5 }, async () => {
            for await (const _ of under.store.follow(job.id, 0, stop.signal)) heard[index]?.resolve();
          }),
        );
        for (const { lease } of jobs) await under.store.append(lease, lines(1));
        await Promise.all(heard.map(({ promise }) => promise));
        const clients = String(await redis.call('CLIENT', 'LIST'));
        const blocking = clients.split('\n').filter((client) => client.includes('cmd=xread'));
        expect(blocking).toHaveLength(1);
        stop.abort();
        await Promise.all(viewers);
      });

      it('looks once more for viewers that hear of a deletion', async () => {
        const job = newJob();
        await under.store.insert(job);
        const { lease } = await claimFrom(under.store);
        await under.store.finish(lease, succeeded({ log: lines(3) }));
        const other = under.another();
        expect(await other.read(job.id, 0, 10)).toHaveLength(3);
        await under.store.delete(job.id);
        expect(await other.read(job.id, 0, 10)).toEqual([]);
      });
    });

    it('reads a long log from Redis without reading much of it twice', async () => {
      const job = newJob();
      await under.store.insert(job);
      const { lease } = await claimFrom(under.store);
      for (let batch = 0; batch < 100; batch += 1) await under.store.append(lease, lines(500, `${'x'.repeat(80)} ${batch}`));
      const sent = async (): Promise<number> => Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
      const before = await sent();
      let seen = 0;
      for await (const chunk of under.another().follow(job.id, 0, never())) {
        seen += chunk.length;
        if (seen === 50_000) break;
      }
      expect((await sent()) - before).toBeLessThan(2 * ((await under.store.get(job.id))?.bytes ?? 0));
    });

    describe('the log of a job that is over', () => {
      const finished = async (count: number): Promise<string> => {
        const job = newJob();
        await under.store.insert(job);
        const { lease } = await claimFrom(under.store);
        for (let batch = 0; batch < count; batch += 100)
          await under.store.append(lease, lines(Math.min(100, count - batch), `from ${batch}`));
        await under.store.finish(lease, succeeded({ log: [line('é日 last words')] }));
        return job.id;
      };
      const isArchived = (id: string) => async (): Promise<boolean> =>
        (await redis.hget(`${under.prefix}:job:${id}`, 'log_archived')) === '1';

      it('leaves Redis for the archive, and reads the same from any place on', async () => {
        const id = await finished(3050);
        await until(isArchived(id));
        // The mark at its end stays for a moment.
        expect(await redis.xlen(`${under.prefix}:log:${id}`)).toBe(1);
        expect(await redis.pttl(`${under.prefix}:log:${id}`)).toBeGreaterThan(0);
        const fresh = under.another();
        for (const after of [0, 1, 499, 500, 501, 3049, 3050, 3051, 9999]) {
          expect(seqs(await followed(fresh, id, after))).toEqual(upTo(3051).slice(after));
        }
        expect(texts(await fresh.read(id, 3049, 10))).toEqual(['from 3000 50\n', 'é日 last words\n']);
        expect(seqs(await fresh.read(id, 700, 3))).toEqual([701, 702, 703]);
      });

      it('is followed over the move, with nothing lost and nothing twice', async () => {
        const job = newJob();
        await under.store.insert(job);
        const { lease } = await claimFrom(under.store);
        const other = under.another();
        const slow = other.follow(job.id, 0, never())[Symbol.asyncIterator]();
        for (let batch = 0; batch < 30; batch += 1) await under.store.append(lease, lines(100));
        const first = await slow.next();
        const seen = first.done === true ? [] : [...first.value];
        await under.store.finish(lease, succeeded());
        await until(isArchived(job.id));
        for (let next = await slow.next(); next.done !== true; next = await slow.next()) seen.push(...next.value);
        expect(seqs(seen)).toEqual(upTo(3000));
      });

      /** Jobs whose logs of ten entries are left to others. */
      const leave = async (count: number): Promise<string[]> => {
        const archive = createDiskArtifacts({ dir: under.archiveDir });
        const broken = under.another({
          archive: { ...archive, keepLog: () => Promise.reject(new Error('the disk is gone')) },
          warn: () => undefined,
        });
        const ids: string[] = [];
        for (let made = 0; made < count; made += 1) {
          await broken.insert(newJob());
          const { job, lease } = await claimFrom(broken);
          await broken.append(lease, lines(10));
          await broken.finish(lease, succeeded());
          ids.push(job.id);
        }
        await broken.close();
        return ids;
      };

      it('is moved by somebody else when whoever finished the job died or could not', async () => {
        const [id = ''] = await leave(1);
        expect(await isArchived(id)()).toBe(false);
        expect(seqs(await under.store.read(id, 0, 100))).toEqual(upTo(10));
        await under.advance(60_000);
        await under.store.rescue(RULES);
        await until(isArchived(id));
        expect(seqs(await under.store.read(id, 0, 100))).toEqual(upTo(10));
      });

      it('is moved by one of those who could, and by another when that one fails, too', async () => {
        const [id = ''] = await leave(1);
        const archive = createDiskArtifacts({ dir: under.archiveDir });
        let moves = 0;
        const failing = (): Store =>
          under.another({
            archive: {
              ...archive,
              keepLog: () => {
                moves += 1;
                return Promise.reject(new Error('the disk is gone'));
              },
            },
            warn: () => undefined,
          });
        const others = [failing(), failing()];
        await under.advance(60_000);
        for (const other of others) await other.rescue(RULES);
        for (const other of others) await other.close();
        expect(moves).toBe(1);
        await under.advance(60_000);
        await under.store.rescue(RULES);
        await until(isArchived(id));
      });

      it('does not keep a process that ends, but for what it has begun', async () => {
        const ids = await leave(5);
        const archive = createDiskArtifacts({ dir: under.archiveDir });
        const gate = Promise.withResolvers<void>();
        const begun = new Set<string>();
        const ending = under.another({
          archive: {
            ...archive,
            async keepLog(id, content) {
              begun.add(id);
              await gate.promise;
              await archive.keepLog(id, content);
            },
          },
        });
        await under.advance(60_000);
        await ending.rescue(RULES);
        await until(async () => begun.size === 2);
        const ended = ending.close();
        gate.resolve();
        await ended;
        expect(begun.size).toBe(2);
        for (const id of ids) expect(await isArchived(id)()).toBe(begun.has(id));
      });

      it('needs no file when there is nothing in it', async () => {
        const job = newJob();
        await under.store.insert(job);
        await under.store.cancel(job.id, []);
        await until(isArchived(job.id));
        expect(await createDiskArtifacts({ dir: under.archiveDir }).openLog(job.id)).toBeUndefined();
        expect(await followed(under.another(), job.id)).toEqual([]);
      });
    });

    describe('a process that rescues and claims at once', () => {
      it('hears at once that what it has claimed from a dead worker is to be canceled', async () => {
        const dead = under.another();
        const count = 8;
        for (let made = 0; made < count; made += 1) {
          await dead.insert(newJob());
          await claimFrom(dead);
        }
        const claiming = Array.from({ length: count }, () =>
          under.store.claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: never() }),
        );
        await under.advance(LEASE_MS + 1);
        await under.store.rescue(RULES);
        const claims = (await Promise.all(claiming)).filter((claim) => claim !== undefined);
        for (const { job } of claims) await dead.cancel(job.id, []);
        await until(async () => claims.filter(({ canceled }) => canceled.aborted).length === count);
      });
    });

    describe('between the record and BullMQ', () => {
      it('runs a job that BullMQ was never told of', async () => {
        const job = newJob();
        await under.store.insert(job);
        const tickets = await keysLike('queue:*');
        await redis.unlink(...tickets);
        expect(await under.store.claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE })).toBeUndefined();
        await under.store.rescue(RULES);
        expect((await claimFrom(under.store)).job.id).toBe(job.id);
      });

      it('runs a job whose ticket is in hands that are gone', async () => {
        const job = newJob();
        await under.store.insert(job);
        await redis.rpop(`${under.prefix}:queue:${RUNTIME}:wait`);
        await under.store.rescue(RULES);
        expect((await claimFrom(under.store)).job.id).toBe(job.id);
      });

      it('has no ticket left when all jobs are over', async () => {
        const jobs = await Promise.all(Array.from({ length: 10 }, () => under.store.insert(newJob())));
        expect(jobs).toHaveLength(10);
        for (let count = 0; count < 10; count += 1) {
          const { lease } = await claimFrom(under.store);
          if (count % 3 === 0) {
            await under.advance(LEASE_MS + 1);
            await under.store.rescue(RULES);
            await under.store.finish((await claimFrom(under.store)).lease, succeeded());
          } else await under.store.finish(lease, succeeded());
        }
        expect(await under.store.claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE })).toBeUndefined();
        expect(await redis.llen(`${under.prefix}:queue:${RUNTIME}:wait`)).toBe(0);
      });

      it('counts a call once whose answer got lost', async () => {
        await under.store.insert(newJob());
        const { job, lease } = await claimFrom(under.store);
        // Redis carries out what it has received, then is gone before it has answered.
        const appended = under.store.append(lease, lines(5));
        const frozen = redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        expect(await appended).toBe('held');
        await frozen;
        expect(seqs(await under.store.read(job.id, 0, 100))).toEqual(upTo(5));
        const finishing = under.store.finish(lease, succeeded({ log: lines(1) }));
        await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        expect(await finishing).toBe(true);
        expect((await under.store.get(job.id))?.logLines).toBe(6);
      });

      it('has the job, in its first attempt, when the answer to its claim got lost', async () => {
        const way = await losingOne('lease_token');
        const worker = under.another({ url: `redis://127.0.0.1:${way.port}/0` });
        await worker.insert(newJob());
        const { job, lease } = await claimFrom(worker);
        expect(job).toMatchObject({ status: 'running', attempt: 1 });
        expect(way.hasLost()).toBe(true);
        expect(await worker.finish(lease, succeeded())).toBe(true);
        expect(await redis.llen(`${under.prefix}:queue:${RUNTIME}:active`)).toBe(0);
        await worker.close();
        way.close();
      });

      it('counts a call once that comes again late, after the next one', async () => {
        await under.store.insert(newJob());
        const { job, lease } = await claimFrom(under.store);
        const attempts = createAttempts(redis, createKeys(under.prefix), { now: () => '', keepMs: 0 });
        for (const number of [1, 2, 1]) {
          expect(await attempts.append(lease, `a process:${number}`, encodeLog(lines(1, `call ${number}:`)))).toBe('held');
        }
        expect(texts(await under.store.read(job.id, 0, 10))).toEqual(['call 1: 1\n', 'call 2: 1\n']);
      });
    });

    describe('what Redis keeps', () => {
      it('has our prefix, all of it', async () => {
        const before = new Set((await redis.keys('*')).filter((key) => !key.startsWith(`${under.prefix}:`)));
        await under.store.insert(newJob({ idempotency: { key: 'k', fingerprint: 'f' }, spec: specWith({ labels: { a: '1' } }) }));
        const { lease } = await claimFrom(under.store);
        await under.store.append(lease, lines(1));
        await under.store.finish(lease, succeeded());
        await under.store.check();
        const after = (await redis.keys('*')).filter((key) => !key.startsWith(`${under.prefix}:`));
        expect(after.filter((key) => !before.has(key))).toEqual([]);
        expect((await keysLike('*')).length).toBeGreaterThan(5);
      });

      it('goes by itself when nobody has deleted it, and deleting still clears up behind it', async () => {
        const store = under.another({ keepMs: 40 });
        const spec = specWith({ labels: { team: 'a', step: '2' } });
        const job = newJob({ bytes: 100, owner: 'alice', idempotency: { key: 'k', fingerprint: 'f' }, spec });
        await store.insert(job);
        await store.finish((await claimFrom(store)).lease, succeeded());
        await until(async () => (await store.get(job.id)) === undefined);
        expect(await store.list({ limit: 10 })).toEqual({ jobs: [], next: null });
        expect(await store.insert(newJob({ owner: 'alice', idempotency: { key: 'k', fingerprint: 'other' } }))).toMatchObject({
          kind: 'created',
        });
        expect(await store.finished({ limit: 10 })).toMatchObject([{ id: job.id, bytes: 100 }]);
        expect(await store.delete(job.id)).toBe('deleted');
        expect(await store.stats()).toMatchObject({ queued: 1, finished: 0, bytes: 0 });
        expect(await store.usage('alice')).toMatchObject({ bytes: 0 });
        expect(await keysLike('label:*')).toEqual([]);
      });
    });

    describe('when Redis fails', () => {
      it('says that it is full, keeps what it promised, and goes on when there is room', async () => {
        await under.store.insert(newJob());
        const { job, lease } = await claimFrom(under.store);
        await redis.config('SET', 'maxmemory', '1');
        try {
          await expect(under.store.insert(newJob())).rejects.toMatchObject({ name: 'StoreError', kind: 'full' });
          await expect(under.store.append(lease, lines(1))).rejects.toMatchObject({ kind: 'full' });
          await expect(under.store.check()).rejects.toMatchObject({ name: 'StartError' });
          expect((await under.store.get(job.id))?.status).toBe('running');
        } finally {
          await redis.config('SET', 'maxmemory', '0');
        }
        expect(await under.store.append(lease, lines(1))).toBe('held');
        expect(await under.store.stats()).toMatchObject({ queued: 0, running: 1 });
      });

      it('takes the end of a job, or its way back to the queue, as soon as there is room for it', async () => {
        for (const end of ['finish', 'release'] as const) {
          await under.store.insert(newJob());
          const { lease } = await claimFrom(under.store);
          await redis.config('RESETSTAT');
          await redis.config('SET', 'maxmemory', '1');
          try {
            const ended = end === 'finish' ? under.store.finish(lease, succeeded()) : under.store.release(lease, []);
            await until(async () => (await redis.info('errorstats')).includes('errorstat_OOM'));
            await redis.config('SET', 'maxmemory', '0');
            expect(await ended).toBe(true);
          } finally {
            await redis.config('SET', 'maxmemory', '0');
          }
        }
      });

      it('counts a replica as unavailable, and goes on when it is the primary again', async () => {
        await redis.replicaof('127.0.0.1', '1');
        try {
          await expect(under.store.insert(newJob())).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' });
        } finally {
          await redis.replicaof('NO', 'ONE');
        }
        expect(await under.store.insert(newJob())).toMatchObject({ kind: 'created' });
      });

      it('refuses soon while it is away; claimers and viewers wait, and all goes on when it is back', async () => {
        const job = newJob();
        await under.store.insert(job);
        const { lease } = await claimFrom(under.store);
        await under.store.append(lease, lines(2));
        const viewer = followed(under.store, job.id);
        const waiting = under.store.claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: never() });
        await delay(50);
        await server.kill();
        const begun = performance.now();
        await expect(under.store.insert(newJob())).rejects.toBeInstanceOf(StoreError);
        await expect(under.store.get(job.id)).rejects.toMatchObject({ kind: 'unavailable' });
        await expect(under.store.check()).rejects.toBeInstanceOf(StartError);
        // A bound on patience, not a measurement.
        expect(performance.now() - begun).toBeLessThan(20_000);
        const appended = under.store.append(lease, lines(1, 'meanwhile'));
        await server.start();
        expect(await appended).toBe('held');
        const next = newJob();
        await until(async () =>
          under.store.insert(next).then(
            () => true,
            () => false,
          ),
        );
        expect((await waiting)?.job.id).toBe(next.id);
        expect(await under.store.finish(lease, succeeded({ log: lines(1, 'last words') }))).toBe(true);
        expect(texts(await viewer)).toEqual(['line 1\n', 'line 2\n', 'meanwhile 1\n', 'last words 1\n']);
      });

      it('refuses at start what would lose jobs, and says what mends it', async () => {
        const refusal = async (url = server.url): Promise<string> => {
          const store = createRedisStore({
            url,
            prefix: 'x',
            archive: createDiskArtifacts({ dir: under.archiveDir }),
            leaseMs: LEASE_MS,
            keepMs: 0,
            warn: () => undefined,
          });
          try {
            await store.check();
            return 'works';
          } catch (error) {
            return error instanceof StartError ? `${error.message} → ${error.remedy}` : String(error);
          } finally {
            await store.close();
          }
        };
        expect(await refusal()).toBe('works');
        expect(await refusal('redis://127.0.0.1:1/0')).toMatch(/127\.0\.0\.1:1.*ECONNREFUSED.*→ start it.*REDIS_URL/);
        await redis.config('SET', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lru');
        expect(await refusal()).toMatch(/allkeys-lru.*→ .*noeviction/);
        await redis.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
        await redis.config('SET', 'requirepass', 'secret');
        try {
          expect(await refusal()).toMatch(/refuses us.*NOAUTH.*→ .*REDIS_URL/);
          expect(await refusal(server.url.replace('//', '//:wrong@'))).toMatch(/refuses us.*→/);
          expect(await refusal(server.url.replace('//', '//:secret@'))).toBe('works');
        } finally {
          await redis.config('SET', 'requirepass', '');
        }
      });
    });
  });
});
