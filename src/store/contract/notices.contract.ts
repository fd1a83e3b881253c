import { describe, expect, it } from 'vitest';
import type { Notice } from '../store.ts';
import { LEASE_MS, RULES, specWith, succeeded } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

const spec = specWith({ callback_url: 'https://example.org/done' });
const TAKE_MS = 1000;

export function notices(open: OpenStore): void {
  describe('notices', () => {
    const t = useStore(open);
    const take = (limit = 10): Promise<Notice[]> => t.store.takeNotices({ limit, leaseMs: TAKE_MS });
    const taken = async (limit?: number): Promise<string[]> => (await take(limit)).map(({ job }) => job.id);

    it('are due from the end of a job with a callback, and not before', async () => {
      const { lease, job } = await t.submitAndClaim({ spec });
      expect(await take()).toEqual([]);
      await t.store.finish(lease, succeeded());
      expect(await take()).toEqual([{ job: await t.get(job.id), tries: 1 }]);
    });

    it('are of jobs with a callback only', async () => {
      await t.submitAndFinish();
      expect(await take()).toEqual([]);
    });

    it('come of every way to an end', async () => {
      const finished = await t.submitAndFinish({ spec }, { outcome: { kind: 'timeout' } });
      const canceled = await t.submit({ spec });
      await t.store.cancel(canceled.id, []);
      const handedBack = await t.submitAndClaim({ spec });
      await t.store.cancel(handedBack.job.id, []);
      await t.store.release(handedBack.lease, []);
      const lost = await t.submitAndClaim({ spec });
      await t.under.advance(LEASE_MS + 1);
      await t.store.rescue({ ...RULES, maxAttempts: 1 });
      expect((await taken()).toSorted()).toEqual([finished.id, canceled.id, handedBack.job.id, lost.job.id].toSorted());
    });

    it('do not come of a job that goes back to the queue', async () => {
      const { lease } = await t.submitAndClaim({ spec });
      await t.store.release(lease, []);
      expect(await take()).toEqual([]);
    });

    it('are handed to one taker only, at most as many as asked for, the longest due first', async () => {
      const jobs = [];
      for (let i = 0; i < 5; i++) {
        jobs.push((await t.submitAndFinish({ spec })).id);
        await t.under.advance(1);
      }
      expect(await taken(2)).toEqual(jobs.slice(0, 2));
      const rest = await Promise.all([taken(), taken()]);
      expect(rest.flat()).toEqual(jobs.slice(2));
    });

    it('come again when their taker is gone, and tell how often they were taken', async () => {
      const job = await t.submitAndFinish({ spec });
      await take();
      await t.under.advance(TAKE_MS + 1);
      expect(await take()).toEqual([{ job, tries: 2 }]);
    });

    it('come again when they were put off, and then only', async () => {
      const { id } = await t.submitAndFinish({ spec });
      await take();
      await t.store.settleNotice(id, 5 * TAKE_MS);
      await t.under.advance(4 * TAKE_MS);
      expect(await take()).toEqual([]);
      await t.under.advance(TAKE_MS + 1);
      expect(await taken()).toEqual([id]);
    });

    it('never come again when they are done with', async () => {
      const { id } = await t.submitAndFinish({ spec });
      await take();
      await t.store.settleNotice(id);
      await t.under.advance(100 * TAKE_MS);
      expect(await take()).toEqual([]);
      await expect(t.store.settleNotice(id)).resolves.toBeUndefined();
    });

    it('survive a crash', async () => {
      const waiting = await t.submitAndFinish({ spec });
      await t.under.reopen();
      expect(await taken()).toEqual([waiting.id]);
    });

    it('go with their job', async () => {
      const { id } = await t.submitAndFinish({ spec });
      await t.store.delete(id);
      expect(await take()).toEqual([]);
      await t.store.settleNotice(id, 1);
      await t.under.advance(2);
      expect(await take()).toEqual([]);
    });
  });
}
