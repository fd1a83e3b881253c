import { describe, expect, it } from 'vitest';
import { createBell } from './bell.ts';

describe('bell', () => {
  const never = new AbortController().signal;

  it('wakes everybody who waits for a key, and nobody else', async () => {
    const bell = createBell();
    const woken: string[] = [];
    const waiting = ['a', 'a', 'b'].map((key) => bell.heard(key, never).then(() => woken.push(key)));
    bell.ring('a');
    await Promise.all(waiting.slice(0, 2));
    expect(woken).toEqual(['a', 'a']);
    bell.ringAll();
    await Promise.all(waiting);
    expect(woken).toEqual(['a', 'a', 'b']);
  });

  it('forgets who was woken', async () => {
    const bell = createBell();
    const waiting = bell.heard('a', never);
    expect(bell.isAwaited('a')).toBe(true);
    bell.ring('a');
    await waiting;
    expect(bell.isAwaited('a')).toBe(false);
  });

  it('forgets who gave up', async () => {
    const bell = createBell();
    const stop = new AbortController();
    const waiting = bell.heard('a', stop.signal);
    stop.abort();
    await waiting;
    await bell.heard('a', stop.signal);
    expect(bell.isAwaited('a')).toBe(false);
  });
});
