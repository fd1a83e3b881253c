import { describe, expect, it } from 'vitest';
import { createRandom } from '../faults/random.ts';
import { keptTooLong } from './kept.ts';
import { judge, robustLine, type Point } from './flatness.ts';

const points = (count: number, valueAt: (minute: number) => number): Point[] =>
  Array.from({ length: count }, (_, index) => ({ minute: index / 2, value: valueAt(index / 2) }));
const ALLOWANCE = { share: 0.05, least: 4 };

describe('flatness', () => {
  it('finds a line’s slope among wild points', () => {
    const line = robustLine(points(60, (minute) => (minute % 5 === 0 ? 1000 : 100 + 2 * minute)));
    expect(line.slope).toBeCloseTo(2, 5);
    expect(line.at(10.5)).toBeCloseTo(121, 5);
  });

  it('takes noise around one value for flat, and what it does before it settles for nothing', () => {
    const random = createRandom(1);
    expect(
      judge(
        points(60, (minute) => Math.min(180, 100 + 20 * minute) + 10 * random.next()),
        ALLOWANCE,
      ).isFlat,
    ).toBe(true);
  });

  it('sees a slow leak through noise that is larger than it', () => {
    const random = createRandom(1);
    const { isFlat, rise } = judge(
      points(60, (minute) => 150 + minute + 15 * random.next()),
      ALLOWANCE,
    );
    expect(rise).toBeGreaterThan(14);
    expect(isFlat).toBe(false);
  });

  it('finds nothing wrong with what falls', () => {
    expect(
      judge(
        points(60, (minute) => 300 - minute),
        ALLOWANCE,
      ).isFlat,
    ).toBe(true);
  });
});

describe('what is kept for a while', () => {
  it('may be as much as was done in that while, and no more', () => {
    const work = Array.from({ length: 20 }, (_, minute) => ({ minute, done: minute * minute * 10, rows: 0 }));
    const doneIn = (minute: number): number => 10 * (minute * minute - Math.max(0, minute - 3) ** 2);
    expect(
      keptTooLong(
        work.map((each) => ({ ...each, rows: doneIn(each.minute) + 5 })),
        3,
        8,
      ),
    ).toBe(0);
    expect(
      keptTooLong(
        work.map((each) => ({ ...each, rows: doneIn(each.minute) + 5 + each.minute })),
        3,
        8,
      ),
    ).toBe(16);
  });
});
