import { randomUUID } from 'node:crypto';
import { endingOf, type Outcome } from '../jobs/outcome.ts';
import { isFinal } from '../jobs/state.ts';
import { StartError } from '../errors.ts';
import { asStoreError, openDatabase } from './sqlite-database.ts';
import { createSqliteLog } from './sqlite-log.ts';
import { getRecord, insertRecord, listRecords, readStats, toRecord } from './sqlite-records.ts';
import type { Claim, ClaimRequest, Finish, Inserted, JobRecord, Lease, NewLogEntry, Rescued, Store } from './store.ts';

export interface SqliteStoreOptions {
  path: string;
  /** See SQLITE_SYNC in the configuration. */
  sync: 'normal' | 'full';
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Freed pages given back to the file system after a deletion, so that no single step takes long. */
const VACUUM_PAGES = 2000;

/**
 * The embedded store: one file, one process. SQLite in WAL mode; what a method did is in the file when it resolves, so
 * that a `kill -9` loses nothing (with `sync: 'full'`, nor does a power failure).
 *
 * @throws StartError when the file can't be used, also because another process has it open
 */
export function createSqliteStore({ path, sync, now = Date.now }: SqliteStoreOptions): Store {
  const database = openDatabase(path, sync);
  const log = createSqliteLog(database);
  const { sql, transaction } = database;
  const cancelers = new Map<string, AbortController>();
  const waitingClaimers = new Set<() => void>();
  // The lock on the file proves that no worker of a former process lives: its leases are over.
  sql("UPDATE jobs SET lease_until = 0 WHERE status = 'running'").run();

  const wakeClaimers = (): void => {
    for (const wake of [...waitingClaimers]) wake();
  };

  const isHeld = ({ jobId, token }: Lease): { logLines: number; cancelAsked: boolean } | undefined => {
    const row = sql("SELECT log_lines, cancel_asked FROM jobs WHERE id = ? AND lease_token = ? AND status = 'running'").get(jobId, token);
    return row === undefined ? undefined : { logLines: Number(row['log_lines']), cancelAsked: row['cancel_asked'] === 1 };
  };

  const appendEntries = (id: string, logLines: number, entries: readonly NewLogEntry[]): void => {
    if (entries.length === 0) return;
    const bytes = log.append(id, logLines, entries);
    sql('UPDATE jobs SET log_lines = log_lines + ?, bytes = bytes + ? WHERE id = ?').run(entries.length, bytes, id);
  };

  /** The one place where a job reaches a final status; its last words go in with it. */
  const end = (id: string, logLines: number, finish: Finish): void => {
    appendEntries(id, logLines, finish.log);
    const kept = finish.artifacts.reduce((sum, artifact) => sum + artifact.size, 0);
    sql(
      `UPDATE jobs SET status = ?, finished_at = ?, outcome = ?, usage = ?, artifacts = ?, log_truncated = ?, bytes = bytes + ?,
         lease_token = NULL, lease_worker = NULL, lease_until = NULL WHERE id = ?`,
    ).run(
      endingOf(finish.outcome).status,
      now(),
      JSON.stringify(finish.outcome),
      finish.usage === null ? null : JSON.stringify(finish.usage),
      JSON.stringify(finish.artifacts),
      finish.logTruncated ? 1 : 0,
      kept,
      id,
    );
  };

  const endWithoutRun = (id: string, logLines: number, outcome: Outcome, entries: NewLogEntry[]): void =>
    end(id, logLines, { outcome, usage: null, artifacts: [], logTruncated: false, log: entries });

  const requeue = (id: string, logLines: number, attemptsBack: number, entries: readonly NewLogEntry[]): void => {
    appendEntries(id, logLines, entries);
    sql(
      `UPDATE jobs SET status = 'queued', attempt = attempt - ?, started_at = NULL,
         lease_token = NULL, lease_worker = NULL, lease_until = NULL WHERE id = ?`,
    ).run(attemptsBack, id);
  };

  const claimNow = ({ worker, leaseMs, runtimes }: ClaimRequest): Claim | undefined => {
    if (runtimes.length === 0) return undefined;
    const lease = transaction(() => {
      const places = runtimes.map(() => '?').join(', ');
      const row = sql(`SELECT id FROM jobs WHERE status = 'queued' AND runtime IN (${places}) ORDER BY id LIMIT 1`).get(...runtimes);
      if (row === undefined) return undefined;
      const claimed: Lease = { jobId: String(row['id']), token: randomUUID() };
      sql(
        `UPDATE jobs SET status = 'running', attempt = attempt + 1, started_at = ?, lease_token = ?, lease_worker = ?, lease_until = ?
         WHERE id = ?`,
      ).run(now(), claimed.token, worker, now() + leaseMs, claimed.jobId);
      return claimed;
    });
    if (lease === undefined) return undefined;
    const job = getRecord(database, lease.jobId);
    if (job === undefined) return undefined;
    const canceler = new AbortController();
    cancelers.set(lease.jobId, canceler);
    log.notify(lease.jobId);
    return { job, lease, canceled: canceler.signal };
  };

  const store: Store = {
    name: 'sqlite',

    async check() {
      try {
        transaction(() => sql('UPDATE probe SET at = ?').run(now()));
      } catch (error) {
        throw new StartError(`The database ${path} can't be written to: ${String(error)}`, 'make room, or mend the folder’s rights', error);
      }
    },

    async insert(job) {
      const inserted = transaction((): Inserted => {
        if (job.idempotency !== undefined) {
          const row = sql('SELECT * FROM jobs WHERE idempotency_key = ?').get(job.idempotency.key);
          if (row !== undefined) {
            return row['idempotency_fingerprint'] === job.idempotency.fingerprint ? { kind: 'existing', job: toRecord(row) } : { kind: 'conflict' };
          }
        }
        insertRecord(database, job, now());
        const record = getRecord(database, job.id);
        if (record === undefined) throw new Error('what was inserted is not there');
        return { kind: 'created', job: record };
      });
      if (inserted.kind === 'created') wakeClaimers();
      return inserted;
    },

    get: (id) => answer(() => getRecord(database, id)),
    list: (query) => answer(() => listRecords(database, query)),

    async claim(request) {
      for (;;) {
        const claim = claimNow(request);
        if (claim !== undefined || request.signal.aborted) return claim;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waitingClaimers.delete(wake);
            request.signal.removeEventListener('abort', wake);
            resolve();
          };
          waitingClaimers.add(wake);
          request.signal.addEventListener('abort', wake);
        });
        if (request.signal.aborted) return undefined;
      }
    },

    async renew(lease, leaseMs) {
      return transaction(() => {
        const held = isHeld(lease);
        if (held === undefined) return 'lost';
        sql('UPDATE jobs SET lease_until = ? WHERE id = ?').run(now() + leaseMs, lease.jobId);
        return held.cancelAsked ? 'cancel' : 'held';
      });
    },

    async append(lease, entries) {
      const state = transaction(() => {
        const held = isHeld(lease);
        if (held === undefined) return 'lost';
        appendEntries(lease.jobId, held.logLines, entries);
        return 'held';
      });
      log.notify(lease.jobId);
      return state;
    },

    async finish(lease, finish) {
      const finished = transaction(() => {
        const held = isHeld(lease);
        if (held !== undefined) end(lease.jobId, held.logLines, finish);
        return held !== undefined;
      });
      if (finished) cancelers.delete(lease.jobId);
      log.notify(lease.jobId);
      return finished;
    },

    async release(lease, entries) {
      const released = transaction(() => {
        const held = isHeld(lease);
        if (held === undefined) return false;
        if (held.cancelAsked) endWithoutRun(lease.jobId, held.logLines, { kind: 'canceled', ran: true }, entries);
        else requeue(lease.jobId, held.logLines, 1, entries);
        return true;
      });
      if (released) cancelers.delete(lease.jobId);
      log.notify(lease.jobId);
      wakeClaimers();
      return released;
    },

    async cancel(id, entries) {
      const job = transaction((): JobRecord | undefined => {
        const found = getRecord(database, id);
        if (found?.status === 'queued') endWithoutRun(id, found.logLines, { kind: 'canceled', ran: false }, entries);
        else if (found?.status === 'running') sql('UPDATE jobs SET cancel_asked = 1 WHERE id = ?').run(id);
        return getRecord(database, id);
      });
      cancelers.get(id)?.abort();
      log.notify(id);
      return job;
    },

    async rescue({ maxAttempts, retryLog, lostLog }) {
      const rescued: Rescued = { requeued: [], lost: [] };
      const expired = transaction(() => {
        const rows = sql("SELECT * FROM jobs WHERE status = 'running' AND lease_until <= ?").all(now());
        for (const row of rows) {
          const job = toRecord(row);
          if (row['cancel_asked'] === 1) endWithoutRun(job.id, job.logLines, { kind: 'canceled', ran: true }, lostLog(job));
          else if (job.attempt < maxAttempts) {
            requeue(job.id, job.logLines, 0, retryLog(job));
            rescued.requeued.push(job.id);
          } else {
            endWithoutRun(job.id, job.logLines, { kind: 'worker_lost' }, lostLog(job));
            rescued.lost.push(job.id);
          }
        }
        return rows.map((row) => String(row['id']));
      });
      for (const id of expired) {
        cancelers.delete(id);
        log.notify(id);
      }
      if (rescued.requeued.length > 0) wakeClaimers();
      return rescued;
    },

    read: (id, after, limit) => answer(() => log.read(id, after, limit)),

    follow: (id, after, signal) =>
      log.follow(id, after, signal, (job, cursor) => {
        const row = sql('SELECT status, log_lines FROM jobs WHERE id = ?').get(job);
        return row === undefined || (isFinal(String(row['status']) as JobRecord['status']) && Number(row['log_lines']) <= cursor);
      }),

    async delete(id) {
      const result = transaction(() => {
        const row = sql('SELECT status FROM jobs WHERE id = ?').get(id);
        if (row === undefined) return 'not_found';
        if (!isFinal(String(row['status']) as JobRecord['status'])) return 'not_finished';
        sql('DELETE FROM jobs WHERE id = ?').run(id);
        return 'deleted';
      });
      if (result === 'deleted') {
        sql(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`).all();
        log.notify(id);
      }
      return result;
    },

    finished: ({ before = Number.MAX_SAFE_INTEGER, limit }) =>
      answer(() =>
        sql('SELECT id, finished_at, bytes FROM jobs WHERE finished_at IS NOT NULL AND finished_at < ? ORDER BY finished_at, id LIMIT ?')
          .all(before, limit)
          .map((row) => ({ id: String(row['id']), finishedAt: Number(row['finished_at']), bytes: Number(row['bytes']) })),
      ),

    stats: () => answer(() => readStats(database)),

    async close() {
      log.close();
      wakeClaimers();
      database.close();
    },
  };
  return store;

  async function answer<T>(query: () => T): Promise<T> {
    try {
      return query();
    } catch (error) {
      throw asStoreError(error);
    }
  }
}
