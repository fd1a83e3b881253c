import type { SQLOutputValue } from 'node:sqlite';
import type { Artifact, Status } from '../api/job.ts';
import type { JobSpec } from '../api/spec.ts';
import type { Outcome } from '../jobs/outcome.ts';
import type { Database } from './sqlite-database.ts';
import type { JobRecord, ListQuery, NewJob, StoreStats, Usage } from './store.ts';

type Row = Record<string, SQLOutputValue>;

const time = (value: SQLOutputValue | undefined): number | null => (value === null || value === undefined ? null : Number(value));
const json = (value: SQLOutputValue | undefined): unknown => (typeof value === 'string' ? JSON.parse(value) : null);

/** What a record of ours holds as JSON was written by us, so its shape is known. */
export const toRecord = (row: Row): JobRecord => ({
  id: String(row['id']),
  spec: json(row['spec']) as JobSpec,
  runtime: String(row['runtime']),
  status: String(row['status']) as Status,
  attempt: Number(row['attempt']),
  createdAt: Number(row['created_at']),
  startedAt: time(row['started_at']),
  finishedAt: time(row['finished_at']),
  outcome: json(row['outcome']) as Outcome | null,
  usage: json(row['usage']) as Usage | null,
  artifacts: json(row['artifacts']) as Artifact[],
  logLines: Number(row['log_lines']),
  logTruncated: row['log_truncated'] === 1,
  bytes: Number(row['bytes']),
});

export function getRecord(database: Database, id: string): JobRecord | undefined {
  const row = database.sql('SELECT * FROM jobs WHERE id = ?').get(id);
  return row === undefined ? undefined : toRecord(row);
}

export function insertRecord(database: Database, job: NewJob, now: number): void {
  database
    .sql(
      `INSERT INTO jobs (id, spec, runtime, status, created_at, bytes, idempotency_key, idempotency_fingerprint)
       VALUES (?, ?, ?, 'queued', ?, ?, ?, ?)`,
    )
    .run(job.id, JSON.stringify(job.spec), job.runtime, now, job.bytes, job.idempotency?.key ?? null, job.idempotency?.fingerprint ?? null);
  for (const [name, value] of Object.entries(job.spec.labels)) {
    database.sql('INSERT INTO labels (name, value, job_id) VALUES (?, ?, ?)').run(name, value, job.id);
  }
}

export function listRecords(database: Database, query: ListQuery): { jobs: JobRecord[]; next: string | null } {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, ...bound: string[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (query.status !== undefined) where('status = ?', query.status);
  if (query.cursor !== undefined) where('id < ?', query.cursor);
  for (const [name, value] of query.labels ?? []) {
    if (value === undefined) where('id IN (SELECT job_id FROM labels WHERE name = ?)', name);
    else where('id IN (SELECT job_id FROM labels WHERE name = ? AND value = ?)', name, value);
  }
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const rows = database.sql(`SELECT * FROM jobs ${filter} ORDER BY id DESC LIMIT ?`).all(...values, query.limit + 1);
  const jobs = rows.slice(0, query.limit).map(toRecord);
  return { jobs, next: rows.length > query.limit ? (jobs.at(-1)?.id ?? null) : null };
}

export function readStats(database: Database): StoreStats {
  const stats: StoreStats = { queued: 0, running: 0, finished: 0, oldestQueuedAt: null, bytes: 0 };
  for (const row of database.sql('SELECT status, count(*) AS jobs, sum(bytes) AS bytes, min(created_at) AS oldest FROM jobs GROUP BY status').all()) {
    const jobs = Number(row['jobs']);
    stats.bytes += Number(row['bytes']);
    if (row['status'] === 'queued') {
      stats.queued = jobs;
      stats.oldestQueuedAt = time(row['oldest']);
    } else if (row['status'] === 'running') stats.running = jobs;
    else stats.finished += jobs;
  }
  return stats;
}
