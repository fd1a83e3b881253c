/** How many jobs had been done at a moment of the soak, and how many were in the database. */
export interface Kept {
  minute: number;
  done: number;
  rows: number;
}

/** How many more are kept than were done since the oldest that may still be there, and than are under way. */
export function keptTooLong(samples: readonly Kept[], keptMinutes: number, underWay: number): number {
  const excess = samples.map(({ minute, done, rows }) => {
    const before = samples.findLast((other) => other.minute <= minute - keptMinutes)?.done ?? 0;
    return rows - (done - before) - underWay;
  });
  return Math.max(0, ...excess);
}
