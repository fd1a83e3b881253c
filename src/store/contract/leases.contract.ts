import { describe, expect, it } from 'vitest';
import { LEASE_MS, lines, RULES, succeeded, texts } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function leases(open: OpenStore): void {
  describe('leases', () => {
    const t = useStore(open);

    it('is held by the claimer', async () => {
      const { lease } = await t.submitAndClaim();
      expect(await t.store.renew(lease, LEASE_MS)).toBe('held');
      expect(await t.store.append(lease, lines(1))).toBe('held');
    });

    it('counts from no later than the claim says, and that is not when its claimer began to wait', async () => {
      const before = performance.now();
      await t.submit();
      const atOnce = await t.claim();
      const waiting = t.waitForClaim(new AbortController().signal);
      const between = performance.now();
      await t.submit();
      const waited = await waiting;
      for (const [askedAt, since] of [
        [atOnce.askedAt, before],
        [waited?.askedAt, between],
      ] as const) {
        expect(askedAt).toBeGreaterThanOrEqual(since);
        expect(askedAt).toBeLessThanOrEqual(performance.now());
      }
    });

    it('is not held by anybody else', async () => {
      const { lease } = await t.submitAndClaim();
      await t.expectLost({ ...lease, token: 'somebody else' });
    });

    it('is over when the job is finished', async () => {
      const { lease } = await t.submitAndClaim();
      await t.store.finish(lease, succeeded());
      await t.expectLost(lease);
    });

    it('lasts for its time from the last renewal', async () => {
      const { lease } = await t.submitAndClaim();
      await t.under.advance(LEASE_MS - 1000);
      await t.store.renew(lease, LEASE_MS);
      await t.under.advance(LEASE_MS - 1000);
      expect(await t.store.rescue(RULES)).toEqual({ requeued: [], lost: [], canceled: [] });
      await t.under.advance(1001);
      expect(await t.store.rescue(RULES)).toMatchObject({ requeued: [lease.jobId] });
    });

    it('goes over to the next claimer', async () => {
      const { lease } = await t.submitAndClaim();
      await t.under.advance(LEASE_MS + 1);
      await t.store.rescue(RULES);
      await t.expectLost(lease);
      const next = await t.claim();
      await t.expectLost(lease);
      expect(await t.store.renew(next.lease, LEASE_MS)).toBe('held');
    });

    it('can be given back: the job is queued at its old place and no attempt is counted', async () => {
      const { job, lease } = await t.submitAndClaim();
      const younger = await t.submit();
      await t.store.append(lease, lines(1, 'said'));
      expect(await t.store.release(lease, lines(1, 'handed back'))).toBe(true);
      expect(await t.get(job.id)).toMatchObject({ status: 'queued', attempt: 0, startedAt: null, logLines: 2 });
      expect(texts(await t.log(job.id))).toEqual(['said 1\n', 'handed back 1\n']);
      await t.expectLost(lease);
      expect((await t.claim()).job).toMatchObject({ id: job.id, attempt: 1 });
      expect((await t.claim()).job.id).toBe(younger.id);
    });

    it('wakes a waiting claimer when it is given back', async () => {
      const { job, lease } = await t.submitAndClaim();
      const waiting = t.waitForClaim(new AbortController().signal);
      await t.store.release(lease, []);
      expect((await waiting)?.job.id).toBe(job.id);
    });
  });
}
