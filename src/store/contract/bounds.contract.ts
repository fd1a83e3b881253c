import { describe, expect, it } from 'vitest';
import type { Bounds } from '../store.ts';
import { line, newJob, succeeded } from './jobs-for-tests.contract.ts';
import { jobOf, useStore, type OpenStore } from './store-under-test.contract.ts';

export function bounds(open: OpenStore): void {
  describe('bounds', () => {
    const t = useStore(open);
    const insert = (owner: string, bounds: Bounds, bytes = 0) => t.store.insert(newJob({ owner, bytes, bounds }));

    it('refuses a job when as many wait as may, whosever they are, and takes one when there is room again', async () => {
      await t.submit({ owner: 'alice' });
      await t.submit({ owner: 'bob' });
      expect(await insert('carol', { queued: 2 })).toEqual({ kind: 'refused', bound: 'queued' });
      await t.claim();
      expect(await insert('carol', { queued: 2 })).toMatchObject({ kind: 'created' });
    });

    it('refuses an owner’s job when as many of the owner’s wait as may, and nobody else’s', async () => {
      const first = jobOf(await insert('alice', { ownerQueued: 1 }));
      const refused = newJob({ owner: 'alice', bounds: { ownerQueued: 1 } });
      expect(await t.store.insert(refused)).toEqual({ kind: 'refused', bound: 'ownerQueued' });
      expect(await t.store.get(refused.id)).toBeUndefined();
      expect(await insert('bob', { ownerQueued: 1 })).toMatchObject({ kind: 'created' });
      await t.store.cancel(first.id, []);
      expect(await insert('alice', { ownerQueued: 1 })).toMatchObject({ kind: 'created' });
    });

    it('refuses a job that would take its owner past the bytes, which log and files count towards', async () => {
      const claim = await t.submitAndClaim({ owner: 'alice', bytes: 50 });
      expect(await insert('alice', { ownerBytes: 100 }, 51)).toEqual({ kind: 'refused', bound: 'ownerBytes' });
      expect(await insert('bob', { ownerBytes: 100 }, 51)).toMatchObject({ kind: 'created' });
      const artifacts = [{ name: 'a', size: 50, sha256: '', content_type: '' }];
      await t.store.finish(claim.lease, succeeded({ artifacts, log: [line('a word')] }));
      expect(await insert('alice', { ownerBytes: 100 })).toEqual({ kind: 'refused', bound: 'ownerBytes' });
      await t.store.delete(claim.job.id);
      expect(await insert('alice', { ownerBytes: 100 }, 100)).toMatchObject({ kind: 'created' });
    });

    it('lets no crowd that comes at once past a bound', async () => {
      const inserted = await Promise.all(Array.from({ length: 20 }, () => insert('alice', { ownerQueued: 5 })));
      expect(inserted.filter(({ kind }) => kind === 'created')).toHaveLength(5);
      expect(await t.store.usage('alice')).toEqual({ queued: 5, running: 0, bytes: 0 });
    });

    it('gives the job of an idempotency key whatever the bounds', async () => {
      const job = newJob({ owner: 'alice', bounds: { queued: 1, ownerQueued: 1 }, idempotency: { key: 'k', fingerprint: 'f' } });
      await t.store.insert(job);
      expect(await t.store.insert(job)).toMatchObject({ kind: 'existing' });
    });

    it('tells what an owner has, over a crash too', async () => {
      await t.submitAndFinish({ owner: 'alice', bytes: 1 });
      await t.submitAndClaim({ owner: 'alice', bytes: 2 });
      await t.submit({ owner: 'alice', bytes: 4 });
      await t.submit({ owner: 'bob', bytes: 8 });
      await t.under.reopen();
      expect(await t.store.usage('alice')).toEqual({ queued: 1, running: 1, bytes: 7 });
      expect(await t.store.usage('bob')).toEqual({ queued: 1, running: 0, bytes: 8 });
      expect(await t.store.usage('carol')).toEqual({ queued: 0, running: 0, bytes: 0 });
    });
  });
}
