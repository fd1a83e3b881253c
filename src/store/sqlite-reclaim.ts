import type { DatabaseSync } from 'node:sqlite';

/** So much at a time that nobody else waits long for it. */
const CHUNKS_AT_A_TIME = 32;
const PAGES_AT_A_TIME = 512;

export interface Reclaim {
  /** Leaves a deleted job's log to `step`, within the caller's transaction. */
  later(jobId: string): void;
  /** Removes a part of what is left of deleted jobs and gives space back to the file system. False when nothing is left to do. */
  step(): boolean;
}

/**
 * A long log takes long to remove, so this is done bit by bit after its job is gone. What a crash leaves undone is
 * done with the next deletion.
 */
export function createReclaim(db: DatabaseSync): Reclaim {
  const add = db.prepare('INSERT INTO removed_logs (job_id) VALUES (?)');
  const next = db.prepare('SELECT job_id FROM removed_logs LIMIT 1');
  const removeChunks = db.prepare(`
    DELETE FROM log_chunks WHERE rowid IN (SELECT rowid FROM log_chunks WHERE job_id = ? LIMIT ${CHUNKS_AT_A_TIME})`);
  const done = db.prepare('DELETE FROM removed_logs WHERE job_id = ?');
  const freePages = db.prepare('PRAGMA freelist_count');

  return {
    later: (jobId) => void add.run(jobId),
    step() {
      const removed = next.get() as { job_id: string } | undefined;
      if (removed !== undefined) {
        if (removeChunks.run(removed.job_id).changes < CHUNKS_AT_A_TIME) done.run(removed.job_id);
        return true;
      }
      const { freelist_count: free } = freePages.get() as { freelist_count: number };
      if (free > 0) db.exec(`PRAGMA incremental_vacuum(${PAGES_AT_A_TIME})`);
      return free > 0;
    },
  };
}
