import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { LogChunk } from '../store.ts';
import { AT_ONCE, lines, newId, never, seqs, succeeded, texts, upTo } from './jobs-for-tests.contract.ts';
import { useStore, type OpenStore } from './store-under-test.contract.ts';

export function following(open: OpenStore): void {
  describe('following', () => {
    const t = useStore(open);

    it('replays what is there, goes on with what comes, and ends with the job', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(3, 'before'));
      const followed = t.followed(job.id);
      await nextTurn();
      await t.store.append(lease, lines(2, 'after'));
      await nextTurn();
      await t.store.finish(lease, succeeded({ log: lines(1, 'last words') }));
      expect(texts(await followed)).toEqual(texts([...lines(3, 'before'), ...lines(2, 'after'), ...lines(1, 'last words')]));
    });

    it('gives every entry once, whenever a follower joins', async () => {
      const { job, lease } = await t.submitAndClaim();
      const followers = [];
      for (let batch = 0; batch < 100; batch += 1) {
        if (batch % 10 === 0) followers.push(t.followed(job.id), t.followed(job.id, batch));
        await t.store.append(lease, lines(1 + (batch % 7)));
        if (batch % 3 === 0) await nextTurn();
      }
      await t.store.finish(lease, succeeded({ log: lines(3) }));
      const { logLines } = await t.get(job.id);
      for (const [index, follower] of followers.entries()) {
        const after = index % 2 === 0 ? 0 : (index - 1) * 5;
        expect(seqs(await follower)).toEqual(upTo(logLines).slice(after));
      }
    });

    it('resumes after any entry of a log that was written in large pieces', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(1500));
      await t.store.finish(lease, succeeded({ log: lines(10) }));
      for (const after of [0, 1, 499, 500, 999, 1000, 1001, 1499, 1500, 1509]) {
        expect(seqs(await t.followed(job.id, after))).toEqual(upTo(1510).slice(after));
      }
    });

    it('ends at once after the last entry of a finished job', async () => {
      const job = await t.submitAndFinish({}, { log: lines(3) });
      expect(await t.followed(job.id, 3)).toEqual([]);
      expect(await t.followed(job.id, 99)).toEqual([]);
    });

    it('ends at once for a job that there isn’t', async () => {
      expect(await t.followed(newId())).toEqual([]);
    });

    it('ends when a queued job is canceled, after its last words', async () => {
      const job = await t.submit();
      const followed = t.followed(job.id);
      await nextTurn();
      await t.store.cancel(job.id, lines(1, 'canceled'));
      expect(texts(await followed)).toEqual(['canceled 1\n']);
    });

    it('goes on over several attempts', async () => {
      const { job, lease } = await t.submitAndClaim();
      const followed = t.followed(job.id);
      await t.store.append(lease, lines(1, 'first'));
      await t.store.release(lease, lines(1, 'handed back'));
      const next = await t.claim();
      await nextTurn();
      await t.store.finish(next.lease, succeeded({ log: lines(1, 'second') }));
      expect(texts(await followed)).toEqual(['first 1\n', 'handed back 1\n', 'second 1\n']);
    });

    it('shows the end of the job to whoever got its last entry', async () => {
      const { job, lease } = await t.submitAndClaim();
      const statuses: string[] = [];
      const reading = (async () => {
        for await (const chunk of t.store.follow(job.id, 0, never())) {
          if (texts(chunk).includes('last words 1\n')) statuses.push((await t.get(job.id)).status);
        }
      })();
      await t.store.finish(lease, succeeded({ log: lines(1, 'last words') }));
      await reading;
      expect(statuses).toEqual(['succeeded']);
    });

    it('stops, without an error, when the signal aborts', async () => {
      const { job, lease } = await t.submitAndClaim();
      await t.store.append(lease, lines(2));
      expect(await t.followed(job.id, 0, AT_ONCE)).toEqual([]);
      const stop = new AbortController();
      const followed = t.followed(job.id, 0, stop.signal);
      await nextTurn();
      stop.abort();
      expect(seqs(await followed)).toEqual([1, 2]);
    });

    it('ends when the job is deleted', async () => {
      const job = await t.submitAndFinish({}, { log: lines(2500) });
      const follower = t.store.follow(job.id, 0, never())[Symbol.asyncIterator]();
      expect((await follower.next()).done).toBe(false);
      await t.store.delete(job.id);
      expect((await follower.next()).done).toBe(true);
    });

    it('hands followers of the same part the same chunk, which nobody can change', async () => {
      const job = await t.submitAndFinish({}, { log: lines(1200) });
      const chunksOf = async (): Promise<LogChunk[]> => {
        const chunks = [];
        for await (const chunk of t.store.follow(job.id, 0, never())) chunks.push(chunk);
        return chunks;
      };
      const [one, other] = await Promise.all([chunksOf(), chunksOf()]);
      expect(one.length).toBeGreaterThan(0);
      expect(one.every((chunk, index) => chunk === other[index] && Object.isFrozen(chunk) && Object.isFrozen(chunk[0]))).toBe(true);
    });

    it('waits for a slow follower with nothing but its place in the log', async () => {
      const { job, lease } = await t.submitAndClaim();
      const slow = t.store.follow(job.id, 0, never())[Symbol.asyncIterator]();
      await t.store.append(lease, lines(1));
      expect(seqs((await slow.next()).value as LogChunk)).toEqual([1]);
      for (let batch = 0; batch < 50; batch += 1) await t.store.append(lease, lines(100));
      await t.store.finish(lease, succeeded());
      let last = 1;
      for (let next = await slow.next(); next.done !== true; next = await slow.next()) {
        expect(next.value[0]?.seq).toBe(last + 1);
        last = next.value.at(-1)?.seq ?? last;
      }
      expect(last).toBe(5001);
    });

    it('lets other work go on while a long log is replayed', async () => {
      const job = await t.submitAndFinish({}, { log: lines(20_000) });
      let turns = 0;
      let chunks = 0;
      let replaying = true;
      const others = (async () => {
        while (replaying) {
          await nextTurn();
          turns += 1;
        }
      })();
      for await (const chunk of t.store.follow(job.id, 0, never())) chunks += Math.sign(chunk.length);
      replaying = false;
      await others;
      expect(chunks).toBeGreaterThan(5);
      expect(turns).toBeGreaterThanOrEqual(chunks - 1);
    });
  });
}
