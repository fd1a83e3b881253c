import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { errnoOf, StartError } from '../errors.ts';
import { StoreError } from './store.ts';

/** Primary result codes (sqlite.org/rescode.html). */
const SQLITE = { BUSY: 5, LOCKED: 6, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;

/** One step for each version of the schema; a database of an earlier version goes through those that it lacks. */
const MIGRATIONS = [
  `CREATE TABLE jobs (
     id TEXT PRIMARY KEY,
     spec TEXT NOT NULL,
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
     lease_token TEXT,
     lease_worker TEXT,
     lease_until INTEGER,
     idempotency_key TEXT UNIQUE,
     idempotency_fingerprint TEXT
   ) STRICT;
   CREATE INDEX jobs_by_status ON jobs (status, id);
   CREATE INDEX jobs_queued ON jobs (runtime, id) WHERE status = 'queued';
   CREATE INDEX jobs_leased ON jobs (lease_until) WHERE status = 'running';
   CREATE INDEX jobs_finished ON jobs (finished_at, id) WHERE finished_at IS NOT NULL;
   CREATE TABLE labels (
     name TEXT NOT NULL,
     value TEXT NOT NULL,
     job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
     PRIMARY KEY (name, value, job_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX labels_by_job ON labels (job_id);
   CREATE TABLE log (
     job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
     first_seq INTEGER NOT NULL,
     entries TEXT NOT NULL,
     UNIQUE (job_id, first_seq)
   ) STRICT;
   CREATE TABLE probe (at INTEGER NOT NULL) STRICT;
   INSERT INTO probe VALUES (0);`,
];

export interface Database {
  /** A prepared statement, kept. */
  sql(text: string): StatementSync;
  /** Runs `body` in one transaction: all of it or nothing. Failures come out as StoreErrors. */
  transaction<T>(body: () => T): T;
  close(): void;
}

/**
 * Opens the database, alone: another process on the same file is refused.
 *
 * @throws StartError naming what is wrong with the file or its folder
 */
export function openDatabase(path: string, sync: 'normal' | 'full'): Database {
  const database = open(path, sync);
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (statement === undefined) statements.set(text, (statement = database.prepare(text)));
    return statement;
  };
  return {
    sql,
    transaction(body) {
      try {
        sql('BEGIN IMMEDIATE').run();
        const result = body();
        sql('COMMIT').run();
        return result;
      } catch (error) {
        if (database.isTransaction) sql('ROLLBACK').run();
        throw asStoreError(error);
      }
    },
    close() {
      statements.clear();
      if (database.isOpen) database.close();
    },
  };
}

function open(path: string, sync: 'normal' | 'full'): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${sync};
      PRAGMA foreign_keys = ON;
      PRAGMA cache_size = -32000;
      PRAGMA journal_size_limit = 67108864;
    `);
    // In exclusive mode the lock is taken by the first write, and kept.
    database.exec('BEGIN EXCLUSIVE');
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > MIGRATIONS.length) {
      throw new StartError(`${path} was written by a newer version of Job Runner (${version}).`, 'use that version, or another JOB_DATA_DIR');
    }
    for (const step of MIGRATIONS.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw error instanceof StartError ? error : startError(path, error);
  }
}

function startError(path: string, error: unknown): StartError {
  switch (codeOf(error)) {
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return new StartError(`Another Job Runner uses ${dirname(path)}.`, 'stop it, or give this one a JOB_DATA_DIR of its own', error);
    case SQLITE.CORRUPT:
    case SQLITE.NOTADB:
      return new StartError(`${path} is damaged or no database.`, `restore it from a backup, or move it away to start empty: mv ${path} ${path}.damaged`, error);
    case SQLITE.FULL:
      return new StartError(`There is no room left in ${dirname(path)}.`, 'free some, or set JOB_DATA_DIR to a folder on another disk', error);
    case SQLITE.READONLY:
    case SQLITE.CANTOPEN:
    case SQLITE.IOERR:
      return new StartError(`${path} can't be opened for writing.`, 'set JOB_DATA_DIR to a folder that this user may write to', error);
    default:
      return new StartError(`${path} can't be opened: ${errnoOf(error) ?? String(error)}`, 'set JOB_DATA_DIR to another folder', error);
  }
}

export function asStoreError(error: unknown): Error {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  if (code === SQLITE.FULL) return new StoreError('full', 'there is no room left for the database', error);
  if (code !== undefined) return new StoreError('unavailable', `the database failed: ${String(error)}`, error);
  return error instanceof Error ? error : new Error(String(error));
}
