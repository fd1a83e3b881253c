import type { DatabaseSync } from 'node:sqlite';

/** What is left to be told of jobs that are over. Every method runs within the caller's transaction. */
export interface Notices {
  /** A job has come whose end is to be told. */
  await(jobId: string): void;
  /** A job is over: its notice is due, if it has one. */
  due(jobId: string, at: number): void;
  /** Takes those that are due, for nobody else to have before `until`. */
  take(now: number, until: number, limit: number): { jobId: string; tries: number }[];
  putOff(jobId: string, until: number): void;
  done(jobId: string): void;
}

export function createNotices(db: DatabaseSync): Notices {
  const add = db.prepare('INSERT INTO notices (job_id) VALUES (?)');
  const setDue = db.prepare('UPDATE notices SET due_at = ? WHERE job_id = ?');
  const due = db.prepare('SELECT job_id, tries FROM notices WHERE due_at <= ? ORDER BY due_at, job_id LIMIT ?');
  const taken = db.prepare('UPDATE notices SET due_at = ?, tries = tries + 1 WHERE job_id = ?');
  const remove = db.prepare('DELETE FROM notices WHERE job_id = ?');

  return {
    await: (jobId) => void add.run(jobId),
    due: (jobId, at) => void setDue.run(at, jobId),
    take: (now, until, limit) =>
      (due.all(now, limit) as unknown as { job_id: string; tries: number }[]).map(({ job_id: jobId, tries }) => {
        taken.run(until, jobId);
        return { jobId, tries: tries + 1 };
      }),
    putOff: (jobId, until) => void setDue.run(until, jobId),
    done: (jobId) => void remove.run(jobId),
  };
}
