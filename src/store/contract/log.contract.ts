import { describe, expect, it } from 'vitest';
import { line, lines, seqs, texts, upTo } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function log(open: OpenStore): void {
  describe('log', () => {
    const t = useStore(open);

    it('numbers entries from 1 without gaps, in the order they came', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(3, 'first'));
      await t.store.append(lease, lines(2, 'second'));
      const entries = await t.log(job.id);
      expect(seqs(entries)).toEqual(upTo(5));
      expect(texts(entries)).toEqual(['first 1\n', 'first 2\n', 'first 3\n', 'second 1\n', 'second 2\n']);
    });

    it('goes on counting in the next attempt', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(3));
      await t.store.release(lease, []);
      const next = await t.claim();
      await t.store.append(next.lease, lines(2));
      expect(seqs(await t.log(job.id))).toEqual(upTo(5));
    });

    it('gives back every entry as it was', async () => {
      const entries = [
        line('plain', { at: 5 }),
        line('on stderr', { stream: 'stderr', at: 4 }),
        line('the runner’s', { stream: 'runner', at: 1_700_000_000_123 }),
        { stream: 'stdout' as const, at: 6, text: '' },
        { stream: 'stdout' as const, at: 6, text: 'no end of line' },
        line('\u0000\r\r\n\u001b[31m"\\ \u2028é日😀 \ufffd'),
      ];
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, entries);
      expect(await t.log(job.id)).toEqual(entries.map((entry, index) => ({ ...entry, seq: index + 1 })));
    });

    it('takes many entries and long ones at once', async () => {
      const { job, lease } = await t.submitAndClaim();
      const entries = [...lines(5000), line('x'.repeat(1_100_000)), ...lines(3)];
      await t.store.append(lease, entries);
      const stored = await t.log(job.id);
      expect(seqs(stored)).toEqual(upTo(entries.length));
      expect(texts(stored)).toEqual(texts(entries));
    });

    it('reads any part', async () => {
      const { job, lease } = await t.submitAndClaim();
      for (let batch = 0; batch < 30; batch += 1) await t.store.append(lease, lines(50));
      expect(seqs(await t.store.read(job.id, 0, 3))).toEqual([1, 2, 3]);
      expect(seqs(await t.store.read(job.id, 49, 3))).toEqual([50, 51, 52]);
      expect(seqs(await t.store.read(job.id, 123, 1000))).toEqual(upTo(1123).slice(123));
      expect(seqs(await t.store.read(job.id, 1499, 10))).toEqual([1500]);
      expect(await t.store.read(job.id, 1500, 10)).toEqual([]);
      expect(await t.store.read(job.id, 9999, 10)).toEqual([]);
      expect(await t.store.read(job.id, 0, 0)).toEqual([]);
    });

    it('is counted, in entries and in bytes', async () => {
      const { job, lease } = await t.submitAndClaim({ bytes: 1000 });
      await t.store.append(lease, [line('é'.repeat(500)), line('b')]);
      const after = await t.get(job.id);
      expect(after.logLines).toBe(2);
      expect(after.bytes).toBeGreaterThanOrEqual(1000 + 1003);
      expect((await t.store.stats()).bytes).toBe(after.bytes);
    });

    it('stays as it is when nothing is appended', async () => {
      const { job, lease } = await t.submitAndClaim();
      expect(await t.store.append(lease, [])).toBe('held');
      expect(await t.get(job.id)).toEqual(job);
    });

    it('outlives a crash, with everything that was promised', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(700));
      await t.under.reopen();
      expect(texts(await t.log(job.id))).toEqual(texts(lines(700)));
      expect((await t.get(job.id)).logLines).toBe(700);
    });
  });
}
