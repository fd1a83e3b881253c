import type { DatabaseSync } from 'node:sqlite';
import { STATUSES } from '../api/job.ts';

/**
 * What a job needs when it changes stands in `jobs`, and its rows are small: each append rewrites one. The specification,
 * which may be large and never changes, has a table of its own. `log_chunks` has one row for each append;
 * the chunks of a deleted job stay for a moment, named in `removed_logs`.
 * `totals` is kept by triggers, so that counting doesn't read all jobs.
 */
const TABLES = `
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    runtime TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    outcome TEXT,
    usage TEXT,
    artifacts TEXT NOT NULL DEFAULT '[]',
    log_lines INTEGER NOT NULL DEFAULT 0,
    log_truncated INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease_token TEXT,
    lease_expires_at INTEGER,
    idempotency_key TEXT UNIQUE,
    idempotency_fingerprint TEXT
  ) STRICT;
  CREATE INDEX jobs_by_status ON jobs (status, id);
  CREATE INDEX jobs_queue ON jobs (runtime, id) WHERE status = 'queued';
  CREATE INDEX jobs_leases ON jobs (lease_expires_at) WHERE status = 'running';
  CREATE INDEX jobs_finished ON jobs (finished_at, id) WHERE finished_at IS NOT NULL;

  CREATE TABLE specs (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    spec TEXT NOT NULL
  ) STRICT;

  CREATE TABLE labels (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX labels_by_name ON labels (name, job_id);
  CREATE INDEX labels_by_value ON labels (name, value, job_id);

  CREATE TABLE log_chunks (
    job_id TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (job_id, first_seq)
  ) STRICT;
  CREATE TABLE removed_logs (job_id TEXT PRIMARY KEY) STRICT;

  CREATE TABLE totals (status TEXT PRIMARY KEY, jobs INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO totals VALUES ${STATUSES.map((status) => `('${status}', 0, 0)`).join(', ')};

  CREATE TABLE checks (count INTEGER NOT NULL) STRICT;
  INSERT INTO checks VALUES (0);

  CREATE TRIGGER jobs_inserted AFTER INSERT ON jobs BEGIN
    UPDATE totals SET jobs = jobs + 1, bytes = bytes + new.bytes WHERE status = new.status;
  END;
  CREATE TRIGGER jobs_updated AFTER UPDATE OF status, bytes ON jobs BEGIN
    UPDATE totals SET jobs = jobs - 1, bytes = bytes - old.bytes WHERE status = old.status;
    UPDATE totals SET jobs = jobs + 1, bytes = bytes + new.bytes WHERE status = new.status;
  END;
  CREATE TRIGGER jobs_deleted AFTER DELETE ON jobs BEGIN
    UPDATE totals SET jobs = jobs - 1, bytes = bytes - old.bytes WHERE status = old.status;
  END;
`;

/**
 * Whose jobs there are. `owners` is kept by triggers, too: who waits, with how much, and whose turn it is (`served` counts the claims,
 * so that the smallest has waited for the longest). Who has no jobs any more has no row.
 */
const OWNERS = `
  ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
  CREATE INDEX jobs_by_owner ON jobs (owner, id);
  CREATE INDEX jobs_by_owner_status ON jobs (owner, status, id);
  DROP INDEX jobs_queue;
  CREATE INDEX jobs_queue ON jobs (owner, runtime, id) WHERE status = 'queued';

  CREATE TABLE owners (
    owner TEXT PRIMARY KEY,
    jobs INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL DEFAULT 0,
    running INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    max_running INTEGER,
    served INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX owners_waiting ON owners (running, served) WHERE queued > 0;
  CREATE INDEX owners_served ON owners (served);
  INSERT INTO owners (owner, jobs, queued, running, bytes)
    SELECT owner, count(*), sum(status = 'queued'), sum(status = 'running'), sum(bytes) FROM jobs GROUP BY owner;

  CREATE TRIGGER owners_inserted AFTER INSERT ON jobs BEGIN
    INSERT INTO owners (owner) VALUES (new.owner) ON CONFLICT DO NOTHING;
    UPDATE owners SET jobs = jobs + 1, bytes = bytes + new.bytes,
      queued = queued + (new.status = 'queued'), running = running + (new.status = 'running') WHERE owner = new.owner;
  END;
  CREATE TRIGGER owners_updated AFTER UPDATE OF status, bytes ON jobs BEGIN
    UPDATE owners SET bytes = bytes - old.bytes + new.bytes,
      queued = queued - (old.status = 'queued') + (new.status = 'queued'),
      running = running - (old.status = 'running') + (new.status = 'running') WHERE owner = new.owner;
  END;
  CREATE TRIGGER owners_deleted AFTER DELETE ON jobs BEGIN
    UPDATE owners SET jobs = jobs - 1, bytes = bytes - old.bytes,
      queued = queued - (old.status = 'queued'), running = running - (old.status = 'running') WHERE owner = old.owner;
    DELETE FROM owners WHERE owner = old.owner AND jobs = 0;
  END;
`;

/** A notice waits without a time from its job's beginning, and is due from its end. */
const NOTICES = `
  ALTER TABLE specs ADD COLUMN traceparent TEXT;

  CREATE TABLE notices (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    due_at INTEGER,
    tries INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX notices_due ON notices (due_at) WHERE due_at IS NOT NULL;
`;

/** Each takes the database from the version of its index to the next one. What has been released is never changed, only added to. */
export const MIGRATIONS = [TABLES, OWNERS, NOTICES];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings the tables up to date, within the caller's transaction. False when a newer program wrote them. */
export function migrate(db: DatabaseSync): boolean {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > SCHEMA_VERSION) return false;
  for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
  if (version < SCHEMA_VERSION) db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  return true;
}
