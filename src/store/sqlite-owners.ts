import type { DatabaseSync } from 'node:sqlite';
import type { Inserted, NewJob, OwnerUsage } from './store.ts';

/** Who has jobs, how much of what, and whose turn it is. */
export interface Owners {
  usage(owner: string): OwnerUsage;
  /** The bound that a new job would pass; undefined: there is room for it. */
  passed(job: NewJob): Extract<Inserted, { kind: 'refused' }>['bound'] | undefined;
  /** Takes a new job's word for how many of its owner's may run at once. */
  boundRunning(job: NewJob): void;
  /** Those whose jobs wait and may run, in the order of their turns: who has the fewest running, then who was served the longest ago. */
  waiting(): Iterable<string>;
  served(owner: string): void;
}

export function createOwners(db: DatabaseSync): Owners {
  const find = db.prepare('SELECT queued, running, bytes FROM owners WHERE owner = ?');
  const allQueued = db.prepare("SELECT jobs FROM totals WHERE status = 'queued'");
  const setMaxRunning = db.prepare('UPDATE owners SET max_running = $max WHERE owner = $owner AND max_running IS NOT $max');
  const inTurn = db.prepare(`
    SELECT owner FROM owners WHERE queued > 0 AND (max_running IS NULL OR running < max_running) ORDER BY running, served`);
  const count = db.prepare('UPDATE owners SET served = (SELECT max(served) FROM owners) + 1 WHERE owner = ?');

  const usage = (owner: string): OwnerUsage => {
    const found = find.get(owner) as OwnerUsage | undefined;
    return found === undefined ? { queued: 0, running: 0, bytes: 0 } : { ...found };
  };
  const queued = (): number => (allQueued.get() as { jobs: number }).jobs;

  return {
    usage,
    passed({ owner, bytes, bounds = {} }) {
      const { queued: maxQueued = Infinity, ownerQueued = Infinity, ownerBytes = Infinity } = bounds;
      if (maxQueued !== Infinity && queued() >= maxQueued) return 'queued';
      if (ownerQueued === Infinity && ownerBytes === Infinity) return undefined;
      const used = usage(owner);
      if (used.queued >= ownerQueued) return 'ownerQueued';
      return used.bytes + bytes > ownerBytes ? 'ownerBytes' : undefined;
    },
    boundRunning: ({ owner, bounds }) => void setMaxRunning.run({ owner, max: bounds?.ownerRunning ?? null }),
    *waiting() {
      for (const { owner } of inTurn.iterate() as Iterable<{ owner: string }>) yield owner;
    },
    served: (owner) => void count.run(owner),
  };
}
