import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Transition } from '../jobs/state.ts';
import { endingOf, type Outcome } from '../jobs/outcome.ts';
import type { Changes, JobRow, Jobs } from './sqlite-jobs.ts';
import type { Notices } from './sqlite-notices.ts';
import type { Owners } from './sqlite-owners.ts';
import type { Finish, Lease, NewLogEntry, RescueRules } from './store.ts';

/** A job that `rescue` took from a worker that is gone. */
export interface Rescue {
  id: string;
  what: 'requeued' | 'lost' | 'canceled';
}

/** What the queue and the leases do to jobs. Every method runs within the caller's transaction. */
export interface Queue {
  take(runtimes: readonly string[], worker: string, now: number, leaseUntil: number): Lease | undefined;
  /** The job, if the lease is held. */
  held(lease: Lease): JobRow | undefined;
  finish(job: JobRow, finish: Finish, now: number): void;
  release(job: JobRow, log: readonly NewLogEntry[], now: number): void;
  cancelQueued(job: JobRow, log: readonly NewLogEntry[], now: number): void;
  /** `steady`: the clock that leases are held by. */
  rescue(rules: RescueRules, now: number, steady: number): Rescue[];
}

type WriteLog = (job: JobRow, entries: readonly NewLogEntry[]) => void;

const NO_LEASE = { worker: null, lease_token: null, lease_expires_at: null } satisfies Changes;

export function createQueue(db: DatabaseSync, jobs: Jobs, owners: Owners, notices: Notices, writeLog: WriteLog): Queue {
  const oldest = db.prepare("SELECT id FROM jobs WHERE status = 'queued' AND owner = ? AND runtime = ? ORDER BY id LIMIT 1");
  const expired = db.prepare("SELECT id FROM jobs WHERE status = 'running' AND lease_expires_at <= ? ORDER BY id");

  const end = (id: string, event: Transition, outcome: Outcome, now: number, more: Changes = {}): void => {
    jobs.move(id, event, endingOf(outcome).status, { ...NO_LEASE, ...more, finished_at: now, outcome: JSON.stringify(outcome) });
    notices.due(id, now);
  };

  const requeue = (job: JobRow, event: 'release' | 'retry', attempt: number): void =>
    jobs.move(job.id, event, 'queued', { ...NO_LEASE, attempt, started_at: null });

  const rescueOne = (job: JobRow, rules: RescueRules, now: number): Rescue => {
    const record = jobs.record(job);
    if (job.cancel_asked === 1) {
      writeLog(job, rules.canceledLog?.(record) ?? []);
      end(job.id, 'finish', { kind: 'canceled', ran: true }, now);
      return { id: job.id, what: 'canceled' };
    }
    if (job.attempt < rules.maxAttempts) {
      writeLog(job, rules.retryLog(record));
      requeue(job, 'retry', job.attempt);
      return { id: job.id, what: 'requeued' };
    }
    writeLog(job, rules.lostLog(record));
    end(job.id, 'lose', { kind: 'worker_lost' }, now);
    return { id: job.id, what: 'lost' };
  };

  const next = (runtimes: readonly string[]): JobRow | undefined => {
    for (const owner of owners.waiting()) {
      const heads = runtimes
        .map((runtime) => (oldest.get(owner, runtime) as { id: string } | undefined)?.id)
        .filter((id) => id !== undefined);
      const [id] = heads.toSorted();
      if (id !== undefined) return jobs.find(id);
    }
    return undefined;
  };

  return {
    take(runtimes, worker, now, leaseUntil) {
      const job = next(runtimes);
      if (job === undefined) return undefined;
      owners.served(job.owner);
      const token = randomUUID();
      jobs.move(job.id, 'claim', 'running', {
        attempt: job.attempt + 1,
        started_at: now,
        worker,
        lease_token: token,
        lease_expires_at: Math.ceil(leaseUntil),
      });
      return { jobId: job.id, token };
    },
    held({ jobId, token }) {
      const job = jobs.find(jobId);
      return job?.lease_token === token ? job : undefined;
    },
    finish(job, { outcome, usage, artifacts, logTruncated, log }, now) {
      writeLog(job, log);
      jobs.grow(
        job.id,
        0,
        artifacts.reduce((sum, { size }) => sum + size, 0),
      );
      end(job.id, 'finish', outcome, now, {
        usage: usage === null ? null : JSON.stringify(usage),
        artifacts: JSON.stringify(artifacts),
        log_truncated: logTruncated ? 1 : 0,
      });
    },
    release(job, log, now) {
      writeLog(job, log);
      if (job.cancel_asked === 1) end(job.id, 'finish', { kind: 'canceled', ran: true }, now);
      else requeue(job, 'release', job.attempt - 1);
    },
    cancelQueued(job, log, now) {
      writeLog(job, log);
      end(job.id, 'cancel', { kind: 'canceled', ran: false }, now);
    },
    rescue: (rules, now, steady) =>
      (expired.all(steady) as unknown as { id: string }[]).map(({ id }) => {
        const job = jobs.find(id);
        if (job === undefined) throw new Error(`the job ${id} is gone`);
        return rescueOne(job, rules, now);
      }),
  };
}
