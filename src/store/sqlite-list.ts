import type { DatabaseSync } from 'node:sqlite';
import type { JobRow } from './sqlite-jobs.ts';
import type { ListQuery, Store, StoreStats } from './store.ts';

type Finished = Awaited<ReturnType<Store['finished']>>;

/** Questions about many jobs. */
export interface Lists {
  /** One page, newest first: ids are ordered by time. */
  page(query: ListQuery): { rows: JobRow[]; next: string | null };
  finished(query: { before?: number; limit: number }): Finished;
  stats(): StoreStats;
}

/** The query for a page. A label leads it where there is one, for it is what leaves the fewest jobs. */
function pageQuery({ owner, status, labels = [], cursor, limit }: ListQuery): { sql: string; values: (string | number)[] } {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, ...bound: (string | number)[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  const tables = ['jobs', ...labels.map((_, index) => `labels AS l${index}`)];
  const id = labels.length === 0 ? 'jobs.id' : 'l0.job_id';
  for (const [index, [name, value]] of labels.entries()) {
    where(index === 0 ? 'jobs.id = l0.job_id' : `l${index}.job_id = l0.job_id`);
    where(`l${index}.name = ?`, name);
    if (value !== undefined) where(`l${index}.value = ?`, value);
  }
  if (owner !== undefined) where('jobs.owner = ?', owner);
  if (status !== undefined) where('jobs.status = ?', status);
  if (cursor !== undefined) where(`${id} < ?`, cursor);
  // One more than asked for tells whether there is a next page.
  values.push(limit + 1);
  const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return { sql: `SELECT jobs.* FROM ${tables.join(', ')} ${filter} ORDER BY ${id} DESC LIMIT ?`, values };
}

export function createLists(db: DatabaseSync): Lists {
  const finishedBefore = db.prepare(`
    SELECT id, finished_at AS finishedAt, bytes FROM jobs
    WHERE finished_at IS NOT NULL AND finished_at < ? ORDER BY finished_at, id LIMIT ?`);
  const totals = db.prepare('SELECT status, jobs, bytes FROM totals');
  const oldestQueued = db.prepare("SELECT created_at FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1");

  return {
    page(query) {
      const { sql, values } = pageQuery(query);
      const found = db.prepare(sql).all(...values) as unknown as JobRow[];
      const rows = found.slice(0, query.limit);
      return { rows, next: found.length > query.limit ? (rows.at(-1)?.id ?? null) : null };
    },
    finished: ({ before = Number.MAX_SAFE_INTEGER, limit }) =>
      finishedBefore.all(before, limit).map((row) => ({ ...row })) as unknown as Finished,
    stats() {
      const stats: StoreStats = { queued: 0, running: 0, finished: 0, oldestQueuedAt: null, bytes: 0 };
      for (const { status, jobs, bytes } of totals.all() as unknown as { status: string; jobs: number; bytes: number }[]) {
        stats[status === 'queued' || status === 'running' ? status : 'finished'] += jobs;
        stats.bytes += bytes;
      }
      const oldest = oldestQueued.get() as { created_at: number } | undefined;
      return { ...stats, oldestQueuedAt: oldest?.created_at ?? null };
    },
  };
}
