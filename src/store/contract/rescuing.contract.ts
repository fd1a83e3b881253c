import { describe, expect, it } from 'vitest';
import { LEASE_MS, lines, RULES, texts } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

const NOTHING = { requeued: [], lost: [], canceled: [] };

export function rescuing(open: OpenStore): void {
  describe('rescuing', () => {
    const t = useStore(open);

    it('leaves jobs whose lease runs alone, and those that are queued or finished', async () => {
      await t.submitAndFinish();
      await t.submitAndClaim();
      await t.submit();
      await t.under.advance(LEASE_MS - 1000);
      expect(await t.store.rescue(RULES)).toEqual(NOTHING);
    });

    it('puts a job back into the queue while attempts are left', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(2, 'said'));
      await t.under.advance(LEASE_MS + 1);
      expect(await t.store.rescue(RULES)).toEqual({ ...NOTHING, requeued: [job.id] });
      expect(await t.get(job.id)).toMatchObject({ status: 'queued', attempt: 1, startedAt: null, logLines: 3 });
      expect(texts(await t.log(job.id))).toEqual(['said 1\n', 'said 2\n', 'attempt 1 was lost\n']);
      expect((await t.claim()).job.attempt).toBe(2);
    });

    it('gives up when none are left', async () => {
      const { job } = await t.submitAndClaim();
      await t.under.advance(LEASE_MS + 1);
      await t.store.rescue(RULES);
      await t.claim();
      await t.under.advance(LEASE_MS + 1);
      expect(await t.store.rescue(RULES)).toEqual({ ...NOTHING, lost: [job.id] });
      expect(await t.get(job.id)).toMatchObject({
        status: 'failed',
        attempt: 2,
        outcome: { kind: 'worker_lost' },
        finishedAt: t.under.now(),
        logLines: 2,
      });
      expect(texts(await t.log(job.id))).toEqual(['attempt 1 was lost\n', 'no attempts are left\n']);
      expect(await t.store.rescue(RULES)).toEqual(NOTHING);
    });

    it('wakes a waiting claimer', async () => {
      const { job } = await t.submitAndClaim();
      const waiting = t.waitForClaim(new AbortController().signal);
      await t.under.advance(LEASE_MS + 1);
      await t.store.rescue(RULES);
      expect((await waiting)?.job.id).toBe(job.id);
    });

    it('tells followers', async () => {
      const { job } = await t.submitAndClaim();
      const followed = t.followed(job.id);
      await t.under.advance(LEASE_MS + 1);
      await t.store.rescue({ ...RULES, maxAttempts: 1 });
      expect(texts(await followed)).toEqual(['no attempts are left\n']);
    });

    it('rescues a job once, whoever else rescues at the same time', async () => {
      const { job } = await t.submitAndClaim();
      await t.under.advance(LEASE_MS + 1);
      const rescues = await Promise.all([t.store.rescue(RULES), t.store.rescue(RULES), t.store.rescue(RULES)]);
      expect(rescues.flatMap(({ requeued }) => requeued)).toEqual([job.id]);
      expect((await t.get(job.id)).logLines).toBe(1);
    });
  });
}
