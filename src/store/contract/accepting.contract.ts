import { describe, expect, it } from 'vitest';
import { newId, newJob, RUNTIME, specWith } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function accepting(open: OpenStore): void {
  describe('accepting', () => {
    const t = useStore(open);

    it('keeps a job as it was sent, queued and not started', async () => {
      const spec = specWith({ args: ['é日\u2028"\\'], env: { A: '' }, stdin: 'a\r\nb', labels: { team: 'x' } });
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const job = newJob({ owner: 'alice', spec, bytes: 123, traceparent });
      const record = {
        id: job.id,
        owner: 'alice',
        spec,
        runtime: RUNTIME,
        traceparent,
        status: 'queued',
        attempt: 0,
        createdAt: t.under.now(),
        startedAt: null,
        finishedAt: null,
        outcome: null,
        usage: null,
        artifacts: [],
        logLines: 0,
        logTruncated: false,
        bytes: 123,
      };
      expect(await t.store.insert(job)).toEqual({ kind: 'created', job: record });
      expect(await t.store.get(job.id)).toEqual(record);
    });

    it('knows of no trace where nobody named one', async () => {
      expect((await t.submit()).traceparent).toBeNull();
    });

    it('has no job that was never sent', async () => {
      expect(await t.store.get(newId())).toBeUndefined();
      expect(await t.store.read(newId(), 0, 10)).toEqual([]);
    });

    it('still has a job after a crash', async () => {
      const job = await t.submit();
      await t.under.reopen();
      expect(await t.store.get(job.id)).toEqual(job);
      expect((await t.claim()).job.id).toBe(job.id);
    });

    it('answers that it works', async () => {
      await expect(t.store.check()).resolves.toBeUndefined();
    });
  });
}
