import { describe, expect, it } from 'vitest';
import type { WorkerInfo } from '../store.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

const TTL_MS = 10_000;

const worker = (name: string, more: Partial<WorkerInfo> = {}): WorkerInfo => ({
  name,
  concurrency: 2,
  runtimes: [{ name: 'python3.12', version: '3.12.1', state: 'ready', packages: { numpy: '2.0.0' } }],
  sandbox: { name: 'bubblewrap', guarantees: { network: true }, notes: ['a note'] },
  ...more,
});

export function workers(open: OpenStore): void {
  describe('workers', () => {
    const t = useStore(open);

    it('are known while they say that they are alive, by name', async () => {
      expect(await t.store.workers()).toEqual({ alive: [], runtimes: [] });
      const [b, a] = [worker('b'), worker('a', { concurrency: 1 })];
      await t.store.announce(b, TTL_MS);
      await t.store.announce(a, TTL_MS);
      expect((await t.store.workers()).alive).toEqual([a, b]);
      await t.under.advance(TTL_MS - 1000);
      await t.store.announce(b, TTL_MS);
      await t.under.advance(1001);
      expect((await t.store.workers()).alive).toEqual([b]);
    });

    it('tell what has changed about them', async () => {
      await t.store.announce(worker('a'), TTL_MS);
      const changed = worker('a', { runtimes: [] });
      await t.store.announce(changed, TTL_MS);
      expect((await t.store.workers()).alive).toEqual([changed]);
    });

    it('are gone at once when they say so', async () => {
      await t.store.announce(worker('a'), TTL_MS);
      await t.store.announce(worker('b'), TTL_MS);
      await t.store.withdraw('a');
      expect((await t.store.workers()).alive.map(({ name }) => name)).toEqual(['b']);
    });

    it('leave it known what they could run, the one seen last ahead', async () => {
      await t.store.announce(worker('a'), TTL_MS);
      await t.under.advance(5);
      const other = { name: 'python3.13', version: '3.13.0', state: 'preparing', packages: {} } as const;
      await t.store.announce(worker('b', { runtimes: [other] }), TTL_MS);
      await t.store.withdraw('a');
      await t.store.withdraw('b');
      const now = t.under.now();
      expect(await t.store.workers()).toEqual({
        alive: [],
        runtimes: [
          { name: 'python3.13', version: '3.13.0', packages: {}, seenAt: now },
          { name: 'python3.12', version: '3.12.1', packages: { numpy: '2.0.0' }, seenAt: now - 5 },
        ],
      });
    });
  });

  describe('turns', () => {
    const t = useStore(open);

    it('are taken by one of all who ask, once in a while', async () => {
      const asked = await Promise.all(Array.from({ length: 5 }, () => t.store.takeTurn('sweeping', 1000)));
      expect(asked.filter(Boolean)).toHaveLength(1);
      expect(await t.store.takeTurn('something else', 1000)).toBe(true);
      await t.under.advance(999);
      expect(await t.store.takeTurn('sweeping', 1000)).toBe(false);
      await t.under.advance(1);
      expect(await t.store.takeTurn('sweeping', 1000)).toBe(true);
    });
  });
}
