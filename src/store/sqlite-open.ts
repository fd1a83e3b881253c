import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../errors.ts';
import { startErrorFor } from './sqlite-errors.ts';
import { migrate } from './sqlite-schema.ts';
import { transaction } from './sqlite-transaction.ts';

export type Sync = 'normal' | 'full';

/**
 * A job changes some 80 pages, most of them the same ones again and again: after 16 MiB of changes less is to be copied than four times
 * after 4 MiB, which is SQLite's default. Everything waits meanwhile, and for the disk.
 */
const CHECKPOINT_PAGES = 4000;
/** Past this size the write-ahead log is cut down again once it has been copied into the database. */
const MAX_IDLE_WAL_BYTES = 64 * 1024 * 1024;

/**
 * Opens the database and keeps it for this process alone, until it is closed or the process ends in whatever way.
 * Throws a StartError.
 */
export function openDatabase(path: string, sync: Sync): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // Before anything is written: the layout of a new file depends on it.
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // Before WAL: the exclusive mode then needs no shared memory, and so no file system that has it.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec('PRAGMA journal_mode = WAL');
    db.exec(`PRAGMA synchronous = ${sync === 'full' ? 'FULL' : 'NORMAL'}`);
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.exec(`PRAGMA journal_size_limit = ${MAX_IDLE_WAL_BYTES}`);
    prepareTables(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw startErrorFor(error, path);
  }
}

function prepareTables(db: DatabaseSync, path: string): void {
  const upToDate = transaction(db)(() => {
    if (!migrate(db)) return false;
    // The lock proves that whoever held these leases is gone: the next `rescue` need not wait for them to run out.
    db.exec("UPDATE jobs SET lease_expires_at = 0 WHERE status = 'running'");
    return true;
  });
  if (!upToDate) {
    throw new StartError(
      `The database ${path} was written by a newer version of Job Runner.`,
      'start that version, or set JOB_DATA_DIR to another folder',
    );
  }
}
