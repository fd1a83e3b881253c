import { describe, expect, it } from 'vitest';
import { RUNTIME } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function queue(open: OpenStore): void {
  describe('queue', () => {
    const t = useStore(open);

    it('hands a queued job to a worker as running', async () => {
      const job = await t.submit();
      await t.under.advance(5);
      const claim = await t.claim();
      expect(claim.job).toEqual({ ...job, status: 'running', attempt: 1, startedAt: t.under.now() });
      expect(claim.lease.jobId).toBe(job.id);
      expect(claim.canceled.aborted).toBe(false);
      expect(await t.get(job.id)).toEqual(claim.job);
    });

    it('hands each job to one claimer only', async () => {
      const jobs = await Promise.all(Array.from({ length: 20 }, () => t.submit()));
      const claims = await Promise.all(Array.from({ length: 30 }, () => t.tryClaim()));
      const claimed = claims.filter((claim) => claim !== undefined).map(({ job }) => job.id);
      expect(claimed.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    });

    it('hands out the oldest job first', async () => {
      const first = await t.submit();
      const second = await t.submit();
      expect((await t.claim()).job.id).toBe(first.id);
      expect((await t.claim()).job.id).toBe(second.id);
    });

    it('hands out jobs for the given runtimes only, the oldest of them all first', async () => {
      const other = await t.submit({ runtime: 'other' });
      const mine = await t.submit();
      expect(await t.tryClaim([])).toBeUndefined();
      expect((await t.claim([RUNTIME])).job.id).toBe(mine.id);
      expect(await t.tryClaim([RUNTIME])).toBeUndefined();
      await t.submit();
      expect((await t.claim([RUNTIME, 'other'])).job.id).toBe(other.id);
    });

    it('asks once, without waiting, when the signal is aborted already', async () => {
      expect(await t.tryClaim()).toBeUndefined();
    });

    it('wakes a waiting claimer when a job comes', async () => {
      const waiting = t.waitForClaim(new AbortController().signal);
      const job = await t.submit();
      expect((await waiting)?.job.id).toBe(job.id);
    });

    it('wakes a claimer for its runtimes only', async () => {
      const waiting = t.waitForClaim(new AbortController().signal);
      const other = await t.submit({ runtime: 'other' });
      const mine = await t.submit();
      expect((await waiting)?.job.id).toBe(mine.id);
      expect((await t.get(other.id)).status).toBe('queued');
    });

    it('gives a job to one of many waiting claimers, and nothing to those that stop waiting', async () => {
      const stop = new AbortController();
      const waiting = Array.from({ length: 5 }, () => t.waitForClaim(stop.signal));
      const job = await t.submit();
      expect((await Promise.race(waiting))?.job.id).toBe(job.id);
      stop.abort();
      expect((await Promise.all(waiting)).filter((claim) => claim !== undefined)).toHaveLength(1);
    });
  });
}
