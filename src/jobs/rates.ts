/** How much of something came in the last minute, for each owner. Kept by each process for itself, and in memory only. */
export interface Rates {
  /** Takes `amount` if there is any room at all: what has been begun is not cut off in the middle, but the next has to wait for it. */
  take(owner: string, amount: number, perMinute: number): Standing;
  /** How it stands, without taking anything. */
  look(owner: string, perMinute: number): Standing;
}

export interface Standing {
  allowed: boolean;
  /** What may still be taken now, at least 0. */
  left: number;
  /** Seconds until all of it may be taken again, or, where nothing is allowed, until anything is. */
  resetSec: number;
}

const MINUTE_MS = 60_000;
/** With so many owners, those whose bucket is empty again are forgotten. */
const MANY = 1000;

/** A leaking bucket for each owner: its level sinks by `perMinute` each minute. */
export function createRates(now: () => number = performance.now.bind(performance)): Rates {
  const buckets = new Map<string, { level: number; at: number; perMinute: number }>();

  const levelOf = (owner: string): number => {
    const bucket = buckets.get(owner);
    return bucket === undefined ? 0 : Math.max(0, bucket.level - ((now() - bucket.at) / MINUTE_MS) * bucket.perMinute);
  };
  const standing = (level: number, perMinute: number): Standing => {
    const allowed = level + 1 <= perMinute;
    // A whole one must fit again.
    const excess = allowed ? level : level + 1 - perMinute;
    return { allowed, left: Math.max(0, Math.floor(perMinute - level)), resetSec: Math.ceil((excess / perMinute) * 60) };
  };
  const forgetOld = (): void => {
    for (const owner of buckets.keys()) if (levelOf(owner) === 0) buckets.delete(owner);
  };

  return {
    look: (owner, perMinute) => standing(levelOf(owner), perMinute),
    take(owner, amount, perMinute) {
      const level = levelOf(owner);
      const before = standing(level, perMinute);
      if (!before.allowed) return before;
      if (buckets.size >= MANY) forgetOld();
      buckets.set(owner, { level: level + amount, at: now(), perMinute });
      return { ...standing(level + amount, perMinute), allowed: true };
    },
  };
}
