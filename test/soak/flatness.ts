/** Whether what was measured again and again stays as it is. */

export interface Point {
  minute: number;
  value: number;
}

const middle = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
};

/** Theil and Sen's line: the median of the slopes between all pairs, which a few wild points don't move. Units a minute. */
export function robustLine(points: readonly Point[]): { slope: number; at(minute: number): number } {
  const slopes = points.flatMap((a, index) =>
    points.slice(index + 1).flatMap((b) => (b.minute > a.minute ? [(b.value - a.value) / (b.minute - a.minute)] : [])),
  );
  const slope = slopes.length === 0 ? 0 : middle(slopes);
  const base = middle(points.map(({ minute, value }) => value - slope * minute));
  return { slope, at: (minute) => base + slope * minute };
}

/** The first third is for pools, caches and compilers to get to where they stay. */
export const settledPart = (points: readonly Point[]): readonly Point[] => points.slice(Math.floor(points.length / 3));

/** How far a line may rise over the part that is looked at: by so much of its median, or by so much in its own unit, whichever is more. */
export interface Allowance {
  share: number;
  least: number;
}

export interface Judgement {
  median: number;
  /** What the robust line gains from the first point that is looked at to the last. */
  rise: number;
  allowed: number;
  isFlat: boolean;
}

export function judge(points: readonly Point[], { share, least }: Allowance): Judgement {
  const part = settledPart(points);
  const median = middle(part.map(({ value }) => value));
  const minutes = (part.at(-1)?.minute ?? 0) - (part[0]?.minute ?? 0);
  const rise = robustLine(part).slope * minutes;
  const allowed = Math.max(least, share * median);
  return { median, rise, allowed, isFlat: rise <= allowed };
}
