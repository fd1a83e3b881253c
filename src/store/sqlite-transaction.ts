import type { DatabaseSync } from 'node:sqlite';

/** Runs work in a transaction: all of it holds, or, when it throws, nothing. */
export function transaction(db: DatabaseSync): <T>(work: () => T) => T {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  return (work) => {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };
}
