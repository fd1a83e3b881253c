import { describe, expect, it } from 'vitest';
import { createRates } from './rates.ts';

describe('rates', () => {
  it('let as many through in a minute as may, then one whenever there is room again', () => {
    let now = 0;
    const rates = createRates(() => now);
    const taken = Array.from({ length: 6 }, () => rates.take('a', 1, 6));
    expect(taken.map(({ left }) => left)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(rates.take('a', 1, 6)).toEqual({ allowed: false, left: 0, resetSec: 10 });
    now = 9_999;
    expect(rates.take('a', 1, 6).allowed).toBe(false);
    now = 10_000;
    expect(rates.take('a', 1, 6)).toMatchObject({ allowed: true, left: 0 });
    now = 70_000;
    expect(rates.look('a', 6)).toEqual({ allowed: true, left: 6, resetSec: 0 });
  });

  it('count each owner for itself', () => {
    const rates = createRates(() => 0);
    expect(rates.take('a', 1, 1).allowed).toBe(true);
    expect(rates.take('a', 1, 1).allowed).toBe(false);
    expect(rates.take('b', 1, 1).allowed).toBe(true);
  });

  it('let one through that is larger than what is left, and make the next wait for it', () => {
    let now = 0;
    const rates = createRates(() => now);
    expect(rates.take('a', 300, 100)).toMatchObject({ allowed: true, left: 0 });
    expect(rates.take('a', 1, 100)).toMatchObject({ allowed: false, resetSec: 121 });
    now = 121_000;
    expect(rates.take('a', 1, 100).allowed).toBe(true);
  });

  it('forget nobody who still has to wait, however many come', () => {
    const rates = createRates(() => 0);
    rates.take('a', 1, 1);
    for (let count = 0; count < 3000; count += 1) rates.take(`other${count}`, 1, 1);
    expect(rates.take('a', 1, 1).allowed).toBe(false);
  });
});
