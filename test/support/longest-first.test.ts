import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inOrder, reaches, SECONDS, type TimedFile } from './longest-first.ts';

const free = (name: string, seconds: number): TimedFile => ({ name, seconds, takesTurns: false });
const inTurn = (name: string, seconds: number): TimedFile => ({ name, seconds, takesTurns: true });
const many = Array.from({ length: 100 }, (_, i) => free(`short ${i}`, 4));
const namesOf = (files: readonly TimedFile[]): string[] => files.map(({ name }) => name);

describe('the order of test files', () => {
  it('knows how long files take that are there', () => {
    expect(Object.keys(SECONDS).filter((name) => !existsSync(name))).toEqual([]);
  });

  it('begins with the longest', () => {
    expect(namesOf(inOrder([...many, free('long', 60), free('longest', 80)], 2)).slice(0, 2)).toEqual(['longest', 'long']);
  });

  it('has nothing wait beside another that it waits for', () => {
    const order = namesOf(inOrder([...many, inTurn('first', 60), inTurn('second', 50), inTurn('third', 40)], 2));
    // By then the other worker has had as many short ones as there is time for.
    expect(order.indexOf('first')).toBe(0);
    expect(order.indexOf('second')).toBe(1 + 60 / 4);
    expect(order.indexOf('third')).toBeGreaterThan(order.indexOf('second') + 50 / 4 - 1);
  });

  it('leaves no file out, even when all take turns', () => {
    expect(namesOf(inOrder([inTurn('a', 1), inTurn('b', 2), inTurn('c', 3)], 2))).toEqual(['c', 'b', 'a']);
  });

  it('finds who uses a daemon, directly or not', () => {
    const daemon = join(import.meta.dirname, 'dockerd.ts');
    expect(reaches(join(import.meta.dirname, '../attacks/docker.test.ts'), daemon)).toBe(true);
    expect(reaches(join(import.meta.dirname, '../../src/sandbox/docker.test.ts'), daemon)).toBe(true);
    expect(reaches(join(import.meta.dirname, '../attacks/bubblewrap.test.ts'), daemon)).toBe(false);
  });
});
