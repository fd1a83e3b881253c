import { describe, expect, it } from 'vitest';
import { lines, newId, specWith } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function deleting(open: OpenStore): void {
  describe('deleting', () => {
    const t = useStore(open);

    it('leaves nothing of a finished job', async () => {
      const job = await t.submitAndFinish({ bytes: 10, spec: specWith({ labels: { a: '1' } }) }, { log: lines(100) });
      expect(await t.log(job.id)).toHaveLength(100);
      expect(await t.store.delete(job.id)).toBe('deleted');
      expect(await t.store.get(job.id)).toBeUndefined();
      expect(await t.log(job.id)).toEqual([]);
      expect(await t.store.list({ limit: 10 })).toEqual({ jobs: [], next: null });
      expect(await t.store.list({ limit: 10, labels: [['a']] })).toEqual({ jobs: [], next: null });
      expect(await t.store.finished({ limit: 10 })).toEqual([]);
      expect(await t.store.stats()).toMatchObject({ finished: 0, bytes: 0 });
    });

    it('leaves other jobs as they are', async () => {
      const kept = await t.submitAndFinish({}, { log: lines(3) });
      const job = await t.submitAndFinish({}, { log: lines(3) });
      await t.store.delete(job.id);
      expect(await t.get(kept.id)).toEqual(kept);
      expect(await t.log(kept.id)).toHaveLength(3);
    });

    it('refuses a job that is not finished', async () => {
      const { job } = await t.submitAndClaim();
      const queued = await t.submit();
      expect(await t.store.delete(job.id)).toBe('not_finished');
      expect(await t.store.delete(queued.id)).toBe('not_finished');
      expect((await t.store.stats()).queued).toBe(1);
    });

    it('finds a job once', async () => {
      const job = await t.submitAndFinish();
      const results = await Promise.all([t.store.delete(job.id), t.store.delete(job.id)]);
      expect(results).toEqual(['deleted', 'not_found']);
      expect(await t.store.delete(newId())).toBe('not_found');
    });

    it('shows nothing of a long log while it is being removed', async () => {
      const job = await t.submitAndFinish({}, { log: lines(50_000) });
      const deleting = t.store.delete(job.id);
      const during = t.log(job.id);
      await deleting;
      expect(await during).toEqual([]);
    });

    it('is not undone by a crash', async () => {
      const job = await t.submitAndFinish({}, { log: lines(10) });
      await t.store.delete(job.id);
      await t.under.reopen();
      expect(await t.store.get(job.id)).toBeUndefined();
    });
  });
}
