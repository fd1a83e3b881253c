import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../store.ts';
import { lines, never, seqs } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function closing(open: OpenStore): void {
  describe('closing', () => {
    const t = useStore(open);

    it('lets go whoever waits', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(1));
      const followed = t.followed(job.id);
      const claim = t.waitForClaim(never());
      await nextTurn();
      await t.store.close();
      expect(seqs(await followed)).toEqual([1]);
      expect(await claim).toBeUndefined();
    });

    it('is final, and may be asked for twice', async () => {
      const job = await t.submit();
      await t.store.close();
      await t.store.close();
      await expect(t.store.get(job.id)).rejects.toThrow(StoreError);
      await expect(t.submit()).rejects.toThrow(StoreError);
    });
  });
}
