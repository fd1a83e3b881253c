import { describe, expect, it } from 'vitest';
import { createChunkCache } from './chunk-cache.ts';
import type { LogChunk } from './store.ts';

const chunk = (seq: number, chars: number): LogChunk => [{ seq, stream: 'stdout', at: 0, text: 'x'.repeat(chars) }];

describe('chunk cache', () => {
  it('lets go of what was not asked for the longest when it is full', () => {
    const cache = createChunkCache(9000);
    cache.put('job', chunk(1, 1000));
    cache.put('job', chunk(2, 1000));
    expect(cache.get('job', 1)).toBeDefined();
    cache.put('job', chunk(3, 1000));
    expect([1, 2, 3].map((seq) => cache.get('job', seq) !== undefined)).toEqual([true, false, true]);
  });

  it('counts what is put again once', () => {
    const cache = createChunkCache(9000);
    for (let count = 0; count < 10; count += 1) cache.put('job', chunk(1, 1000));
    cache.put('job', chunk(2, 1000));
    expect(cache.get('job', 1)).toBeDefined();
  });

  it('keeps nothing that is larger than itself', () => {
    const cache = createChunkCache(9000);
    cache.put('job', chunk(1, 10_000));
    expect(cache.get('job', 1)).toBeUndefined();
  });

  it('counts what is around a text as well: a log of small pieces takes more than its words', () => {
    const cache = createChunkCache(9000);
    for (let seq = 1; seq <= 1000; seq += 1) cache.put('job', chunk(seq, 1));
    const kept = Array.from({ length: 1000 }, (_, index) => cache.get('job', index + 1)).filter((each) => each !== undefined);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(20);
  });

  it('forgets a job', () => {
    const cache = createChunkCache(9000);
    cache.put('one', chunk(1, 10));
    cache.put('other', chunk(1, 10));
    cache.drop('one');
    expect(cache.get('one', 1)).toBeUndefined();
    expect(cache.get('other', 1)).toBeDefined();
  });
});
