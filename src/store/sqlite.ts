import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isFinal } from '../jobs/state.ts';
import { createBell } from './bell.ts';
import { createChunkCache } from './chunk-cache.ts';
import { createMemoryWorkers } from './memory-workers.ts';
import { errorInUse, startErrorFor } from './sqlite-errors.ts';
import { createFollow } from './sqlite-follow.ts';
import { createJobs, type JobRow } from './sqlite-jobs.ts';
import { createLists } from './sqlite-list.ts';
import { createLog } from './sqlite-log.ts';
import { createNotices } from './sqlite-notices.ts';
import { createOwners } from './sqlite-owners.ts';
import { openDatabase, type Sync } from './sqlite-open.ts';
import { createQueue, type Rescue } from './sqlite-queue.ts';
import { createReclaim } from './sqlite-reclaim.ts';
import { createReserve } from './sqlite-reserve.ts';
import { transaction } from './sqlite-transaction.ts';
import {
  StoreError,
  type Claim,
  type ClaimRequest,
  type Inserted,
  type JobRecord,
  type Lease,
  type NewLogEntry,
  type Store,
} from './store.ts';

export interface SqliteOptions {
  /** The database file; its folder exists. */
  path: string;
  /** `normal`: what was promised outlives the process. `full`: it outlives the power too, for a flush to the disk with each change. */
  sync: Sync;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Milliseconds since whenever, never turned back or forward: what leases are held by. This process alone reads them, and begins with none. */
  steady?: () => number;
}

const CACHE_BYTES = 4 * 1024 * 1024;
const QUEUE = 'queue';

/**
 * The embedded store: one file, one process, nothing to install. Each change is one transaction that runs without a
 * pause, so whatever happens in one turn of the event loop is atomic in memory too. Throws a StartError when the
 * database can't be used.
 */
export function createSqliteStore({ path, sync, now = Date.now, steady = () => performance.now() }: SqliteOptions): Store {
  const db = openDatabase(path, sync);
  try {
    return storeOn(db, path, now, steady);
  } catch (error) {
    db.close();
    throw startErrorFor(error, path);
  }
}

function storeOn(db: DatabaseSync, path: string, now: () => number, steady: () => number): Store {
  const inTransaction = transaction(db);
  const bell = createBell();
  const cache = createChunkCache(CACHE_BYTES);
  const jobs = createJobs(db);
  const lists = createLists(db);
  const log = createLog(db, cache);
  const owners = createOwners(db);
  const notices = createNotices(db);
  const queue = createQueue(db, jobs, owners, notices, writeLog);
  const reclaim = createReclaim(db);
  const countCheck = db.prepare('UPDATE checks SET count = count + 1');
  /** How to tell whoever runs a job that it is to be canceled, by the job's id. */
  const cancels = new Map<string, AbortController>();

  function writeLog(job: JobRow, entries: readonly NewLogEntry[]): void {
    if (entries.length > 0) jobs.grow(job.id, entries.length, log.write(job.id, job.log_lines, entries));
  }

  const read = <T>(work: () => T): T => {
    if (!db.isOpen) throw new StoreError('unavailable', `the database ${path} is closed`);
    try {
      return work();
    } catch (error) {
      throw errorInUse(error, path);
    }
  };
  const write = <T>(work: () => T): T => read(() => inTransaction(work));
  const reserve = createReserve(`${path}-reserve`);
  /** Changes by which jobs come to their ends, for which there is room on a full disk, too. */
  const writeEnd = <T>(work: () => T): T => reserve.spend(() => write(work));
  const follow = createFollow(db, read, log, bell);

  const current = (id: string): JobRecord | undefined => {
    const job = jobs.find(id);
    return job && jobs.record(job);
  };

  /** Changes a job if the lease is held; returns the job as it was before. */
  const asHolder = (lease: Lease, change: (job: JobRow) => void, by = write): JobRow | undefined =>
    by(() => {
      const job = queue.held(lease);
      if (job !== undefined) change(job);
      return job;
    });

  /** The lease of a job is over. */
  const leaseEnded = (id: string): void => {
    cancels.delete(id);
    bell.ring(id);
    bell.ring(QUEUE);
  };

  const tryClaim = ({ runtimes, worker, leaseMs }: ClaimRequest): Claim | undefined => {
    const askedAt = performance.now();
    const taken = write(() => {
      const lease = queue.take(runtimes, worker, now(), steady() + leaseMs);
      const job = lease && current(lease.jobId);
      return job && { job, lease };
    });
    if (taken === undefined) return undefined;
    const cancel = new AbortController();
    cancels.set(taken.job.id, cancel);
    return { ...taken, askedAt, canceled: cancel.signal };
  };

  return {
    name: 'sqlite',

    async check() {
      try {
        // Reading, or writing what is there already, would not notice a disk that is full or has become read-only.
        countCheck.run();
      } catch (error) {
        throw startErrorFor(error, path);
      }
    },

    async insert(job) {
      reserve.refill();
      const inserted = write((): Inserted => {
        const existing = job.idempotency && jobs.findByKey(job.owner, job.idempotency.key);
        if (existing !== undefined) {
          const isSame = existing.idempotency_fingerprint === job.idempotency?.fingerprint;
          return isSame ? { kind: 'existing', job: jobs.record(existing) } : { kind: 'conflict' };
        }
        const bound = owners.passed(job);
        if (bound !== undefined) return { kind: 'refused', bound };
        const row = jobs.insert(job, now());
        owners.boundRunning(job);
        if (job.spec.callback_url !== undefined) notices.await(job.id);
        return { kind: 'created', job: jobs.record(row) };
      });
      if (inserted.kind === 'created') bell.ring(QUEUE);
      return inserted;
    },

    get: async (id) => read(() => current(id)),

    list: async (query) =>
      read(() => {
        const { rows, next } = lists.page(query);
        return { jobs: rows.map(jobs.record), next };
      }),

    async claim(request) {
      for (;;) {
        const claim = tryClaim(request);
        if (claim !== undefined || request.signal.aborted) return claim;
        await bell.heard(QUEUE, request.signal);
        if (request.signal.aborted || !db.isOpen) return undefined;
      }
    },

    async renew(lease, leaseMs) {
      const job = asHolder(lease, ({ id }) => jobs.prolong(id, Math.ceil(steady() + leaseMs)));
      if (job === undefined) return 'lost';
      return job.cancel_asked === 1 ? 'cancel' : 'held';
    },

    async append(lease, entries) {
      const job = asHolder(lease, (held) => writeLog(held, entries));
      if (job === undefined) return 'lost';
      if (bell.isAwaited(job.id)) log.remember(job.id, job.log_lines, entries);
      bell.ring(job.id);
      return 'held';
    },

    async finish(lease, finish) {
      const job = asHolder(lease, (held) => queue.finish(held, finish, now()), writeEnd);
      if (job !== undefined) leaseEnded(job.id);
      return job !== undefined;
    },

    async release(lease, entries) {
      const job = asHolder(lease, (held) => queue.release(held, entries, now()), writeEnd);
      if (job !== undefined) leaseEnded(job.id);
      return job !== undefined;
    },

    async cancel(id, entries) {
      const job = writeEnd(() => {
        const found = jobs.find(id);
        if (found?.status === 'queued') queue.cancelQueued(found, entries, now());
        if (found?.status === 'running') jobs.askCancel(id);
        return current(id);
      });
      if (job?.status === 'running') cancels.get(id)?.abort();
      else bell.ring(id);
      return job;
    },

    async rescue(rules) {
      const rescues = writeEnd(() => queue.rescue(rules, now(), steady()));
      for (const { id } of rescues) leaseEnded(id);
      const those = (what: Rescue['what']): string[] => rescues.filter((rescue) => rescue.what === what).map(({ id }) => id);
      return { requeued: those('requeued'), lost: those('lost'), canceled: those('canceled') };
    },

    // The log of a deleted job may still be there in part.
    read: async (id, after, limit) => read(() => (jobs.find(id) === undefined ? [] : log.read(id, after, limit))),

    follow,

    takeNotices: async ({ limit, leaseMs }) =>
      write(() =>
        notices.take(now(), now() + leaseMs, limit).flatMap(({ jobId, tries }) => {
          const job = current(jobId);
          return job === undefined ? [] : [{ job, tries }];
        }),
      ),

    settleNotice: async (jobId, retryMs) =>
      write(() => (retryMs === undefined ? notices.done(jobId) : notices.putOff(jobId, now() + retryMs))),

    async delete(id) {
      const result = writeEnd(() => {
        const job = jobs.find(id);
        if (job === undefined) return 'not_found';
        if (!isFinal(job.status)) return 'not_finished';
        jobs.delete(id);
        reclaim.later(id);
        return 'deleted';
      });
      if (result !== 'deleted') return result;
      cache.drop(id);
      bell.ring(id);
      try {
        while (db.isOpen && read(reclaim.step)) await nextTurn();
      } catch (error) {
        // To give room back takes some. The job is gone all the same, and the next deletion goes on with it.
        if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      }
      return result;
    },

    finished: async (query) => read(() => lists.finished(query)),

    stats: async () => read(() => lists.stats()),

    ...createMemoryWorkers(now),

    usage: async (owner) => read(() => owners.usage(owner)),

    async close() {
      if (db.isOpen) db.close();
      bell.ringAll();
    },
  };
}
