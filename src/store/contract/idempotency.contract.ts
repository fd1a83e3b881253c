import { describe, expect, it } from 'vitest';
import { newJob, succeeded } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function idempotency(open: OpenStore): void {
  describe('idempotency', () => {
    const t = useStore(open);
    const keyed = (key: string, fingerprint = 'f') => newJob({ idempotency: { key, fingerprint } });

    it('gives the job that a key was first used for, as it is now', async () => {
      const first = await t.submit({ idempotency: { key: 'k', fingerprint: 'f' } });
      const { lease } = await t.claim();
      await t.store.finish(lease, succeeded());
      const again = await t.store.insert(keyed('k'));
      expect(again).toEqual({ kind: 'existing', job: await t.get(first.id) });
      expect(await t.tryClaim()).toBeUndefined();
    });

    it('refuses a key that was used for another request', async () => {
      await t.store.insert(keyed('k', 'one'));
      const other = keyed('k', 'two');
      expect(await t.store.insert(other)).toEqual({ kind: 'conflict' });
      expect(await t.store.get(other.id)).toBeUndefined();
    });

    it('keeps different keys apart', async () => {
      expect(await t.store.insert(keyed('a'))).toMatchObject({ kind: 'created' });
      expect(await t.store.insert(keyed('b'))).toMatchObject({ kind: 'created' });
    });

    it('keeps keys of different owners apart', async () => {
      const mine = newJob({ owner: 'alice', idempotency: { key: 'k', fingerprint: 'f' } });
      const yours = newJob({ owner: 'bob', idempotency: { key: 'k', fingerprint: 'f' } });
      expect(await t.store.insert(mine)).toMatchObject({ kind: 'created', job: { id: mine.id } });
      expect(await t.store.insert(yours)).toMatchObject({ kind: 'created', job: { id: yours.id } });
      expect(await t.store.insert(keyed('k'))).toMatchObject({ kind: 'created' });
      expect(await t.store.insert({ ...mine, id: yours.id })).toMatchObject({ kind: 'existing', job: { id: mine.id } });
    });

    it('accepts one of many requests with the same key at once', async () => {
      const inserted = await Promise.all(Array.from({ length: 10 }, () => t.store.insert(keyed('k'))));
      expect(inserted.filter(({ kind }) => kind === 'created')).toHaveLength(1);
      expect(new Set(inserted.map((one) => ('job' in one ? one.job.id : '')))).toHaveProperty('size', 1);
      expect((await t.store.stats()).queued).toBe(1);
    });

    it('remembers keys over a crash', async () => {
      await t.store.insert(keyed('k'));
      await t.under.reopen();
      expect(await t.store.insert(keyed('k'))).toMatchObject({ kind: 'existing' });
    });

    it('frees the key of a deleted job', async () => {
      const job = await t.submitAndFinish({ idempotency: { key: 'k', fingerprint: 'one' } });
      await t.store.delete(job.id);
      expect(await t.store.insert(keyed('k', 'two'))).toMatchObject({ kind: 'created' });
    });
  });
}
