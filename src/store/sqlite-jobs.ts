import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Artifact, Status } from '../api/job.ts';
import type { JobSpec } from '../api/spec.ts';
import type { Outcome } from '../jobs/outcome.ts';
import { TRANSITIONS, type Transition } from '../jobs/state.ts';
import type { Usage } from '../jobs/outcome.ts';
import type { JobRecord, NewJob } from './store.ts';

/** A row of `jobs`, under the names of its columns. */
export interface JobRow {
  id: string;
  owner: string;
  runtime: string;
  status: Status;
  attempt: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  outcome: string | null;
  usage: string | null;
  artifacts: string;
  log_lines: number;
  log_truncated: number;
  bytes: number;
  cancel_asked: number;
  worker: string | null;
  lease_token: string | null;
  lease_expires_at: number | null;
  idempotency_fingerprint: string | null;
}

/** What may change together with the status. */
const CHANGING = [
  'attempt',
  'started_at',
  'finished_at',
  'outcome',
  'usage',
  'artifacts',
  'log_truncated',
  'cancel_asked',
  'worker',
  'lease_token',
  'lease_expires_at',
] as const satisfies (keyof JobRow)[];

export type Changes = Partial<Pick<JobRow, (typeof CHANGING)[number]>>;

export interface Jobs {
  insert(job: NewJob, at: number): JobRow;
  find(id: string): JobRow | undefined;
  findByKey(owner: string, key: string): JobRow | undefined;
  record(row: JobRow): JobRecord;
  /** The only way for a status to change: refuses what the table of transitions doesn't have. */
  move(id: string, event: Transition, to: Status, changes: Changes): void;
  askCancel(id: string): void;
  prolong(id: string, expiresAt: number): void;
  grow(id: string, logLines: number, bytes: number): void;
  delete(id: string): void;
}

/** One column for whose and which: neither has a space in it. */
const idempotencyKey = (owner: string, key: string): string => (owner === '' ? key : `${owner} ${key}`);

const parsed = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T));

const refuse = (event: Transition, from: Status, to: Status): never => {
  throw new Error(`"${event}" doesn't take a job from ${from} to ${to}`);
};

/** Single jobs: rows in and out. Every method runs within the caller's transaction. */
export function createJobs(db: DatabaseSync): Jobs {
  const insertJob = db.prepare(`
    INSERT INTO jobs (id, owner, runtime, status, created_at, bytes, idempotency_key, idempotency_fingerprint)
    VALUES (?, ?, ?, 'queued', ?, ?, ?, ?) RETURNING *`);
  const insertSpec = db.prepare('INSERT INTO specs (job_id, spec, traceparent) VALUES (?, ?, ?)');
  const insertLabel = db.prepare('INSERT INTO labels (job_id, name, value) VALUES (?, ?, ?)');
  const byId = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const byKey = db.prepare('SELECT * FROM jobs WHERE idempotency_key = ?');
  const specOf = db.prepare('SELECT spec, traceparent FROM specs WHERE job_id = ?');
  const update = db.prepare(`UPDATE jobs SET status = $status, ${CHANGING.map((name) => `${name} = $${name}`).join(', ')} WHERE id = $id`);
  const setCancelAsked = db.prepare('UPDATE jobs SET cancel_asked = 1 WHERE id = ?');
  const setExpiry = db.prepare('UPDATE jobs SET lease_expires_at = ? WHERE id = ?');
  const addSizes = db.prepare('UPDATE jobs SET log_lines = log_lines + ?, bytes = bytes + ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM jobs WHERE id = ?');

  const find = (id: string): JobRow | undefined => byId.get(id) as JobRow | undefined;

  return {
    insert({ id, owner, spec, runtime, traceparent, bytes, idempotency }, at) {
      const key = idempotency === undefined ? null : idempotencyKey(owner, idempotency.key);
      const row = insertJob.get(id, owner, runtime, at, bytes, key, idempotency?.fingerprint ?? null);
      insertSpec.run(id, JSON.stringify(spec), traceparent ?? null);
      for (const [name, value] of Object.entries(spec.labels)) insertLabel.run(id, name, value);
      return row as unknown as JobRow;
    },
    find,
    findByKey: (owner, key) => byKey.get(idempotencyKey(owner, key)) as JobRow | undefined,
    record(row) {
      const { spec, traceparent } = specOf.get(row.id) as { spec: string; traceparent: string | null };
      return {
        id: row.id,
        owner: row.owner,
        spec: JSON.parse(spec) as JobSpec,
        runtime: row.runtime,
        traceparent,
        status: row.status,
        attempt: row.attempt,
        createdAt: row.created_at,
        startedAt: row.started_at,
        finishedAt: row.finished_at,
        outcome: parsed<Outcome>(row.outcome),
        usage: parsed<Usage>(row.usage),
        artifacts: JSON.parse(row.artifacts) as Artifact[],
        logLines: row.log_lines,
        logTruncated: row.log_truncated === 1,
        bytes: row.bytes,
      };
    },
    move(id, event, to, changes) {
      const row = find(id);
      if (row === undefined) throw new Error(`there is no job ${id}`);
      const allowed: { from: readonly Status[]; to: readonly Status[] } = TRANSITIONS[event];
      if (!allowed.from.includes(row.status) || !allowed.to.includes(to)) refuse(event, row.status, to);
      const after = { ...row, ...changes };
      const values: Record<string, SQLInputValue> = { id, status: to };
      for (const name of CHANGING) values[name] = after[name];
      update.run(values);
    },
    askCancel: (id) => void setCancelAsked.run(id),
    prolong: (id, expiresAt) => void setExpiry.run(expiresAt, id),
    grow: (id, logLines, bytes) => void addSizes.run(logLines, bytes, id),
    delete: (id) => void remove.run(id),
  };
}
