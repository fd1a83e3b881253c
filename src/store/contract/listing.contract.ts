import { describe, expect, it } from 'vitest';
import type { JobRecord, ListQuery } from '../store.ts';
import { specWith } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

const ids = (jobs: readonly { id: string }[]): string[] => jobs.map(({ id }) => id);

export function listing(open: OpenStore): void {
  describe('listing', () => {
    const t = useStore(open);
    const labeled = (labels: Record<string, string>): Promise<JobRecord> => t.submit({ spec: specWith({ labels }) });
    const listed = async (query: Partial<ListQuery>): Promise<string[]> => ids((await t.store.list({ limit: 100, ...query })).jobs);

    it('gives whole records, newest first', async () => {
      const old = await t.submitAndFinish();
      const young = await t.submit();
      expect(await t.store.list({ limit: 10 })).toEqual({ jobs: [young, old], next: null });
    });

    it('gives nothing when there is nothing', async () => {
      expect(await t.store.list({ limit: 10 })).toEqual({ jobs: [], next: null });
    });

    it('goes through all pages, each job once, though jobs come meanwhile', async () => {
      const jobs = [];
      for (let count = 0; count < 10; count += 1) jobs.push(await t.submit());
      const seen: string[] = [];
      let cursor: string | null | undefined;
      for (let page = 0; cursor !== null; page += 1) {
        expect(page).toBeLessThan(10);
        const { jobs: found, next } = await t.store.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...ids(found));
        cursor = next;
        await t.submit();
      }
      expect(seen).toEqual(ids(jobs).toReversed());
    });

    it('ends with the last full page', async () => {
      await t.submit();
      await t.submit();
      expect((await t.store.list({ limit: 2 })).next).toBeNull();
    });

    it('keeps to one status', async () => {
      const finished = await t.submitAndFinish();
      const failed = await t.submitAndFinish({}, { outcome: { kind: 'timeout' } });
      const { job: running } = await t.submitAndClaim();
      const queued = await t.submit();
      expect(await listed({ status: 'succeeded' })).toEqual([finished.id]);
      expect(await listed({ status: 'failed' })).toEqual([failed.id]);
      expect(await listed({ status: 'running' })).toEqual([running.id]);
      expect(await listed({ status: 'queued' })).toEqual([queued.id]);
      expect(await listed({ status: 'canceled' })).toEqual([]);
    });

    it('keeps to jobs that have all the labels', async () => {
      const a1 = await labeled({ a: '1' });
      const a1b2 = await labeled({ a: '1', b: '2' });
      const a2 = await labeled({ a: '2', "b'%": '' });
      expect(await listed({ labels: [['a', '1']] })).toEqual([a1b2.id, a1.id]);
      expect(await listed({ labels: [['a']] })).toEqual([a2.id, a1b2.id, a1.id]);
      expect(await listed({ labels: [['b'], ['a', '1']] })).toEqual([a1b2.id]);
      expect(await listed({ labels: [["b'%", '']] })).toEqual([a2.id]);
      expect(
        await listed({
          labels: [
            ['a', '1'],
            ['a', '2'],
          ],
        }),
      ).toEqual([]);
      expect(await listed({ labels: [['c']] })).toEqual([]);
    });

    it('keeps to one owner’s jobs, with status and labels', async () => {
      const mine = await t.submit({ owner: 'alice', spec: specWith({ labels: { a: '1' } }) });
      const running = await t.claim();
      const labeledMine = await t.submit({ owner: 'alice', spec: specWith({ labels: { a: '1' } }) });
      await t.submit({ owner: 'bob', spec: specWith({ labels: { a: '1' } }) });
      const nobodys = await labeled({ a: '1' });
      expect(running.job.id).toBe(mine.id);
      expect(await listed({ owner: 'alice' })).toEqual([labeledMine.id, mine.id]);
      expect(await listed({ owner: 'alice', status: 'running' })).toEqual([mine.id]);
      expect(await listed({ owner: 'alice', labels: [['a', '1']], cursor: labeledMine.id })).toEqual([mine.id]);
      expect(await listed({ owner: '' })).toEqual([nobodys.id]);
      expect(await listed({ owner: 'carol' })).toEqual([]);
    });

    it('combines status, labels and pages', async () => {
      const jobs = [];
      for (let count = 0; count < 6; count += 1) jobs.push(await labeled({ kind: count % 2 === 0 ? 'even' : 'odd' }));
      await t.claim();
      const query = { status: 'queued', labels: [['kind', 'even']], limit: 1 } as const;
      const first = await t.store.list(query);
      expect(ids(first.jobs)).toEqual([jobs[4]?.id]);
      const second = await t.store.list({ ...query, cursor: first.next ?? '' });
      expect(ids(second.jobs)).toEqual([jobs[2]?.id]);
      expect(second.next).toBeNull();
    });

    it('knows finished jobs in the order they finished', async () => {
      const first = await t.submitAndClaim();
      await t.under.advance(10);
      const second = await t.submitAndFinish({ bytes: 7 });
      await t.under.advance(10);
      await t.store.finish(first.lease, { outcome: { kind: 'timeout' }, usage: null, artifacts: [], logTruncated: false, log: [] });
      await t.submit();
      const secondEntry = { id: second.id, finishedAt: second.finishedAt, bytes: 7 };
      expect(await t.store.finished({ limit: 1 })).toEqual([secondEntry]);
      expect(ids(await t.store.finished({ limit: 10 }))).toEqual([second.id, first.job.id]);
      expect(await t.store.finished({ before: t.under.now(), limit: 10 })).toEqual([secondEntry]);
      expect(await t.store.finished({ before: second.finishedAt ?? 0, limit: 10 })).toEqual([]);
    });

    it('counts', async () => {
      expect(await t.store.stats()).toEqual({ queued: 0, running: 0, finished: 0, oldestQueuedAt: null, bytes: 0 });
      await t.submitAndFinish({ bytes: 1 });
      await t.submitAndFinish({ bytes: 2 }, { outcome: { kind: 'timeout' } });
      await t.submitAndClaim({ bytes: 4 });
      await t.under.advance(10);
      const { createdAt } = await t.submit({ bytes: 8 });
      await t.under.advance(10);
      await t.submit({ bytes: 16 });
      expect(await t.store.stats()).toEqual({ queued: 2, running: 1, finished: 2, oldestQueuedAt: createdAt, bytes: 31 });
    });
  });
}
