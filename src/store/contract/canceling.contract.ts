import { describe, expect, it } from 'vitest';
import { LEASE_MS, lines, newId, RULES, succeeded, texts } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function canceling(open: OpenStore): void {
  describe('canceling', () => {
    const t = useStore(open);

    it('ends a queued job at once, with its last words', async () => {
      const job = await t.submit();
      await t.under.advance(5);
      const canceled = await t.store.cancel(job.id, lines(1, 'canceled'));
      expect(canceled).toMatchObject({
        status: 'canceled',
        outcome: { kind: 'canceled', ran: false },
        startedAt: null,
        finishedAt: t.under.now(),
        logLines: 1,
      });
      expect(await t.get(job.id)).toEqual(canceled);
      expect(texts(await t.log(job.id))).toEqual(['canceled 1\n']);
      expect(await t.tryClaim()).toBeUndefined();
    });

    it('asks the worker of a running job, which ends it', async () => {
      const { job, lease, canceled } = await t.submitAndClaim();
      expect(await t.store.cancel(job.id, lines(1, 'not said by a running job'))).toMatchObject({ status: 'running', logLines: 0 });
      expect(canceled.aborted).toBe(true);
      expect(await t.store.renew(lease, LEASE_MS)).toBe('cancel');
      expect(await t.store.append(lease, lines(1))).toBe('held');
      expect(await t.store.finish(lease, succeeded({ outcome: { kind: 'canceled', ran: true } }))).toBe(true);
      expect(await t.get(job.id)).toMatchObject({ status: 'canceled', outcome: { kind: 'canceled', ran: true } });
    });

    it('comes too late for a program that has ended by itself', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.cancel(job.id, []);
      await t.store.finish(lease, succeeded());
      expect((await t.get(job.id)).status).toBe('succeeded');
    });

    it('can be asked for again and again', async () => {
      const running = await t.submitAndClaim();
      await t.store.cancel(running.job.id, []);
      expect(await t.store.cancel(running.job.id, [])).toMatchObject({ status: 'running' });
      const queued = await t.submit();
      const canceled = await t.store.cancel(queued.id, lines(1));
      expect(await t.store.cancel(queued.id, lines(1))).toEqual(canceled);
    });

    it('leaves a finished job as it is', async () => {
      const job = await t.submitAndFinish();
      expect(await t.store.cancel(job.id, lines(1))).toEqual(job);
      expect(await t.get(job.id)).toEqual(job);
    });

    it('knows no job that there isn’t', async () => {
      expect(await t.store.cancel(newId(), [])).toBeUndefined();
    });

    it('ends a job that is handed back', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.cancel(job.id, []);
      expect(await t.store.release(lease, lines(1, 'handed back'))).toBe(true);
      expect(await t.get(job.id)).toMatchObject({ status: 'canceled', outcome: { kind: 'canceled', ran: true }, logLines: 1 });
      expect(await t.tryClaim()).toBeUndefined();
    });

    it('ends a job whose worker died, even over a crash of the service', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.cancel(job.id, []);
      await t.under.reopen();
      await t.under.advance(LEASE_MS + 1);
      expect(await t.store.rescue(RULES)).toEqual({ requeued: [], lost: [], canceled: [job.id] });
      expect(await t.get(job.id)).toMatchObject({ status: 'canceled', outcome: { kind: 'canceled', ran: true } });
      expect(texts(await t.log(job.id))).toEqual(['canceled\n']);
      await t.expectLost(lease);
    });

    it('concerns one attempt’s job only', async () => {
      const one = await t.submitAndClaim();
      const other = await t.submitAndClaim();
      await t.store.cancel(one.job.id, []);
      expect(other.canceled.aborted).toBe(false);
      expect(await t.store.renew(other.lease, LEASE_MS)).toBe('held');
    });
  });
}
