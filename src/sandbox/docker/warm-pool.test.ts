import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWarmContainers, type WarmContainer } from './warm-pool.ts';

/** Makes containers of nothing, when it is told to. */
function workshop(): { make: () => Promise<WarmContainer>; deliver: () => Promise<void> } {
  const orders: ((made: WarmContainer) => void)[] = [];
  let ordered = Promise.withResolvers<void>();
  return {
    make: () =>
      new Promise((resolve) => {
        orders.push(resolve);
        ordered.resolve();
      }),
    async deliver() {
      await ordered.promise;
      ordered = Promise.withResolvers();
      const container = { gone: new Promise<void>(() => undefined), remove: async () => undefined } as WarmContainer['container'];
      orders.shift()?.({ container, imported: new Set() });
    },
  };
}

describe('containers that wait for their jobs', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('go to jobs that still wait for one, as soon as they are made, and not to those that have given up', async () => {
    const { make, deliver } = workshop();
    const pool = createWarmContainers(make, { size: 1, waitMs: 1000 }, { trouble: () => undefined });
    const early = [pool.take(), pool.take(), pool.take()];
    await vi.advanceTimersByTimeAsync(1000);
    expect(await Promise.all(early)).toEqual(['starting', 'starting', 'starting']);
    // No time passes from here on.
    const patient = pool.take();
    await deliver();
    expect(await patient).toMatchObject({ imported: new Set() });
    const closed = pool.close();
    await deliver();
    await closed;
  });
});
