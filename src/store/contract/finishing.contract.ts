import { describe, expect, it } from 'vitest';
import { endingOf, type Outcome } from '../../jobs/outcome.ts';
import { LEASE_MS, lines, succeeded, texts } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

const OUTCOMES: Outcome[] = [
  { kind: 'exited', code: 0 },
  { kind: 'exited', code: 3 },
  { kind: 'signaled', signal: 'SIGSEGV', number: 11 },
  { kind: 'timeout' },
  { kind: 'oom' },
  { kind: 'output_limit' },
  { kind: 'disk_limit' },
  { kind: 'missing_entry' },
  { kind: 'canceled', ran: true },
  { kind: 'worker_lost' },
  { kind: 'internal' },
];

export function finishing(open: OpenStore): void {
  describe('finishing', () => {
    const t = useStore(open);

    it('keeps all that is known of the end, and shows it in one step with the last entries', async () => {
      const { job, lease } = await t.submitAndClaim({ bytes: 10 });
      await t.store.append(lease, lines(2, 'said'));
      const before = await t.get(job.id);
      await t.under.advance(1234);
      const artifacts = [
        { name: 'a/é.png', size: 500, sha256: 'a'.repeat(64), content_type: 'image/png' },
        { name: 'b.txt', size: 7, sha256: 'b'.repeat(64), content_type: 'text/plain' },
      ];
      const usage = { wallMs: 1200.5, cpuMs: 17.25, maxRssBytes: 1_000_000 };
      const outcome = { kind: 'output_limit' } as const;
      expect(await t.store.finish(lease, { outcome, usage, artifacts, logTruncated: true, log: lines(1, 'last words') })).toBe(true);
      const after = await t.get(job.id);
      expect(after).toEqual({
        ...before,
        status: 'failed',
        finishedAt: t.under.now(),
        outcome,
        usage,
        artifacts,
        logTruncated: true,
        logLines: 3,
        bytes: after.bytes,
      });
      expect(after.bytes).toBeGreaterThanOrEqual(before.bytes + 507 + 'last words 1\n'.length);
      expect(texts(await t.log(job.id))).toEqual(['said 1\n', 'said 2\n', 'last words 1\n']);
    });

    it.each(OUTCOMES)('knows the status that follows from $kind', async (outcome) => {
      const job = await t.submitAndFinish({}, { outcome });
      expect(job).toMatchObject({ status: endingOf(outcome).status, outcome });
    });

    it('happens once: the first of several wins', async () => {
      const { job, lease } = await t.submitAndClaim();
      const finishes = await Promise.all([0, 1, 2].map((code) => t.store.finish(lease, succeeded({ outcome: { kind: 'exited', code } }))));
      expect(finishes).toEqual([true, false, false]);
      expect((await t.get(job.id)).outcome).toEqual({ kind: 'exited', code: 0 });
    });

    it('stays over a crash', async () => {
      const job = await t.submitAndFinish({}, { log: lines(3) });
      await t.under.reopen();
      expect(await t.get(job.id)).toEqual(job);
      await t.under.advance(LEASE_MS + 1);
      expect(await t.tryClaim()).toBeUndefined();
    });
  });
}
