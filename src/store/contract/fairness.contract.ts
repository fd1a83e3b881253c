import { describe, expect, it } from 'vitest';
import { AT_ONCE, LEASE_MS, newJob, RULES, RUNTIME, succeeded } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

const MANY = 30;

export function fairness(open: OpenStore): void {
  describe('fairness', () => {
    const t = useStore(open);

    /** Claims and finishes one job after the other. Resolves with their owners, in order. */
    const drain = async (count: number): Promise<string[]> => {
      const owners = [];
      for (let done = 0; done < count; done += 1) {
        const claim = await t.claim();
        owners.push(claim.job.owner);
        await t.store.finish(claim.lease, succeeded());
      }
      return owners;
    };
    const submitMany = async (owner: string, count = MANY): Promise<string[]> => {
      const ids = [];
      for (let sent = 0; sent < count; sent += 1) ids.push((await t.submit({ owner })).id);
      return ids;
    };

    it('starts the one job of an owner within two that end, however many another has queued before', async () => {
      await submitMany('flood');
      await drain(3);
      const running = await t.claim();
      const single = await t.submit({ owner: 'single' });
      await t.store.finish(running.lease, succeeded());
      expect(await drain(2)).toContain('single');
      expect((await t.get(single.id)).status).toBe('succeeded');
    });

    it('lets owners take turns', async () => {
      await submitMany('a');
      await submitMany('b', 5);
      await submitMany('c', 5);
      const owners = await drain(15);
      for (const owner of ['a', 'b', 'c']) expect(owners.filter((each) => each === owner)).toHaveLength(5);
      // Nobody is more than a round ahead of another.
      for (let end = 1; end <= owners.length; end += 1) {
        const counts = ['a', 'b', 'c'].map((owner) => owners.slice(0, end).filter((each) => each === owner).length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
      }
      expect(await drain(3)).toEqual(['a', 'a', 'a']);
    });

    it('hands out an owner’s jobs oldest first', async () => {
      const mine = await submitMany('a', 6);
      await submitMany('b', 6);
      const order = [];
      for (let count = 0; count < 12; count += 1) {
        const { job, lease } = await t.claim();
        if (job.owner === 'a') order.push(job.id);
        await t.store.finish(lease, succeeded());
        if (count === 5) mine.push(...(await submitMany('a', 1)));
      }
      order.push((await t.claim()).job.id);
      expect(order).toEqual(mine);
    });

    it('gives turns that were not taken to those who wait: nobody saves up', async () => {
      await submitMany('busy', 10);
      await drain(5);
      await submitMany('late');
      const owners = await drain(10);
      expect(owners.filter((owner) => owner === 'busy').length).toBeGreaterThanOrEqual(4);
    });

    it('runs no more of an owner’s jobs at once than may, and the next when one ends', async () => {
      const submit = () => t.store.insert(newJob({ owner: 'a', bounds: { ownerRunning: 2 } }));
      for (let count = 0; count < 4; count += 1) await submit();
      const first = await t.claim();
      const second = await t.claim();
      expect(await t.tryClaim()).toBeUndefined();
      const other = await t.submit({ owner: 'b' });
      expect((await t.claim()).job.id).toBe(other.id);
      await t.store.finish(first.lease, succeeded());
      await t.claim();
      expect(await t.tryClaim()).toBeUndefined();
      await t.store.release(second.lease, []);
      expect((await t.claim()).job.id).toBe(second.job.id);
    });

    it('wakes a waiting claimer when one of an owner’s running jobs ends', async () => {
      await t.store.insert(newJob({ owner: 'a', bounds: { ownerRunning: 1 } }));
      const { lease } = await t.claim();
      const waiting = t.waitForClaim(new AbortController().signal);
      const next = await t.submit({ owner: 'a', bounds: { ownerRunning: 1 } });
      await t.store.finish(lease, succeeded());
      expect((await waiting)?.job.id).toBe(next.id);
    });

    it('gives a bounded owner its place back when its worker is gone', async () => {
      await t.store.insert(newJob({ owner: 'a', bounds: { ownerRunning: 1 } }));
      const { job } = await t.claim();
      await t.under.advance(LEASE_MS * 2);
      await t.store.rescue(RULES);
      expect((await t.claim()).job.id).toBe(job.id);
    });

    it('looks past owners whose jobs need another runtime', async () => {
      for (const owner of ['a', 'b']) await t.submit({ owner, runtime: 'other' });
      const mine = await t.submit({ owner: 'c' });
      const claimed = await t.store.claim({ worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE });
      expect(claimed?.job.id).toBe(mine.id);
    });

    it('keeps the turns over a crash', async () => {
      await submitMany('a', 5);
      await submitMany('b', 5);
      await t.under.reopen();
      expect(new Set(await drain(2))).toEqual(new Set(['a', 'b']));
    });
  });
}
