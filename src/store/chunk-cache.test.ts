import { describe, expect, it } from 'vitest';
import { createChunkCache } from './chunk-cache.ts';
import type { LogChunk } from './store.ts';

const chunk = (seq: number, chars: number): LogChunk => [{ seq, stream: 'stdout', at: 0, text: 'x'.repeat(chars) }];

describe('chunk cache', () => {
  it('lets go of what was not asked for the longest when it is full', () => {
    const cache = createChunkCache(5000);
    cache.put('job', chunk(1, 1000));
    cache.put('job', chunk(2, 1000));
    expect(cache.get('job', 1)).toBeDefined();
    cache.put('job', chunk(3, 1000));
    expect([1, 2, 3].map((seq) => cache.get('job', seq) !== undefined)).toEqual([true, false, true]);
  });

  it('counts what is put again once', () => {
    const cache = createChunkCache(5000);
    for (let count = 0; count < 10; count += 1) cache.put('job', chunk(1, 1000));
    cache.put('job', chunk(2, 1000));
    expect(cache.get('job', 1)).toBeDefined();
  });

  it('keeps nothing that is larger than itself', () => {
    const cache = createChunkCache(5000);
    cache.put('job', chunk(1, 10_000));
    expect(cache.get('job', 1)).toBeUndefined();
  });

  it('forgets a job', () => {
    const cache = createChunkCache(5000);
    cache.put('one', chunk(1, 10));
    cache.put('other', chunk(1, 10));
    cache.drop('one');
    expect(cache.get('one', 1)).toBeUndefined();
    expect(cache.get('other', 1)).toBeDefined();
  });
});
