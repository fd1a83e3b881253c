/** How much of something came in the last minute, or another span of time, for each owner. Kept by each process for itself, and in memory only. */
export interface Rates {
  /** Takes `amount` if there is any room at all: what has been begun is not cut off in the middle, but the next has to wait for it. */
  take(owner: string, amount: number, perWindow: number): Standing;
  /** How it stands, without taking anything. */
  look(owner: string, perWindow: number): Standing;
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

/** A leaking bucket for each owner: its level sinks by `perWindow` in each window, which is a minute by itself. */
export function createRates(now: () => number = performance.now.bind(performance), windowMs = MINUTE_MS): Rates {
  const buckets = new Map<string, { level: number; at: number; perWindow: number }>();

  const levelOf = (owner: string): number => {
    const bucket = buckets.get(owner);
    return bucket === undefined ? 0 : Math.max(0, bucket.level - ((now() - bucket.at) / windowMs) * bucket.perWindow);
  };
  const standing = (level: number, perWindow: number): Standing => {
    const allowed = level + 1 <= perWindow;
    // A whole one must fit again.
    const excess = allowed ? level : level + 1 - perWindow;
    return { allowed, left: Math.max(0, Math.floor(perWindow - level)), resetSec: Math.ceil(((excess / perWindow) * windowMs) / 1000) };
  };
  const forgetOld = (): void => {
    for (const owner of buckets.keys()) if (levelOf(owner) === 0) buckets.delete(owner);
  };

  return {
    look: (owner, perWindow) => standing(levelOf(owner), perWindow),
    take(owner, amount, perWindow) {
      const level = levelOf(owner);
      const before = standing(level, perWindow);
      if (!before.allowed) return before;
      if (buckets.size >= MANY) forgetOld();
      buckets.set(owner, { level: level + amount, at: now(), perWindow });
      return { ...standing(level + amount, perWindow), allowed: true };
    },
  };
}
