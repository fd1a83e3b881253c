import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { broken, output, sha256, useArtifacts, type OpenArtifacts } from './artifacts-under-test.contract.ts';

export function keeping(open: OpenArtifacts): void {
  describe('keeping what a job left', () => {
    const t = useArtifacts(open);

    it('tells name, size, hash and type, and hands the bytes out again', async () => {
      const id = await t.upload();
      expect(await t.keep(id, 'plots/figure 1.png', 'not really')).toEqual({
        name: 'plots/figure 1.png',
        size: 10,
        sha256: sha256('not really'),
        content_type: 'image/png',
      });
      expect(await t.kept(id, 'plots/figure 1.png')).toBe('not really');
    });

    it('keeps bytes as they are', async () => {
      const id = await t.upload();
      const content = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const artifact = await t.artifacts.keep(id, { name: 'b', size: 256, open: () => Readable.from([content]) });
      expect(artifact).toMatchObject({ size: 256, sha256: sha256(content) });
      const parts: Buffer[] = [];
      for await (const part of (await t.artifacts.open(id, 'b'))?.stream() ?? []) parts.push(part as Buffer);
      expect(Buffer.concat(parts)).toEqual(content);
    });

    it('keeps an empty file', async () => {
      const id = await t.upload();
      expect(await t.keep(id, 'empty', '')).toMatchObject({ size: 0, sha256: sha256('') });
      expect(await t.kept(id, 'empty')).toBe('');
    });

    it('believes what it read, not the size that was claimed', async () => {
      const id = await t.upload();
      for (const claimed of [0, 1_000_000]) {
        const artifact = await t.artifacts.keep(id, output('liar', 'hello', claimed));
        expect(artifact).toMatchObject({ size: 5, sha256: sha256('hello') });
        expect((await t.artifacts.open(id, 'liar'))?.size).toBe(5);
      }
    });

    it('replaces a file that is kept again', async () => {
      const id = await t.upload();
      await t.keep(id, 'result', 'the old and longer one');
      expect(await t.keep(id, 'result', 'new')).toMatchObject({ size: 3, sha256: sha256('new') });
      expect(await t.kept(id, 'result')).toBe('new');
    });

    it('leaves nothing of a file that breaks off, and what was kept before as it was', async () => {
      const id = await t.upload();
      await t.keep(id, 'result', 'old');
      const before = await t.under.stored();
      const error = new Error('unreadable');
      const breaking = (name: string) => ({ name, size: 1, open: () => Readable.from(broken(error)) });
      await expect(t.artifacts.keep(id, breaking('result'))).rejects.toThrow('unreadable');
      await expect(t.artifacts.keep(id, breaking('folder/other'))).rejects.toThrow('unreadable');
      expect(await t.kept(id, 'result')).toBe('old');
      expect(await t.under.stored()).toEqual(before);
    });

    it('keeps nothing for an attempt that lost its job meanwhile, however far the copy has got', async () => {
      const id = await t.upload();
      await t.keep(id, 'result', 'of the next attempt');
      const before = await t.under.stored();
      const lost = new Error('the job is somebody else’s');
      const atOnce = AbortSignal.abort(lost);
      await expect(t.artifacts.keep(id, output('result', 'stale'), atOnce)).rejects.toBe(lost);
      for (const size of [10, 300_000]) {
        for (const isLast of [false, true]) {
          const stop = new AbortController();
          const stale = async function* (): AsyncGenerator<Uint8Array> {
            yield Buffer.alloc(size, 'x');
            stop.abort(lost);
            if (!isLast) yield Buffer.alloc(size, 'x');
          };
          const file = { name: 'result', size, open: () => Readable.from(stale()) };
          await expect(t.artifacts.keep(id, file, stop.signal)).rejects.toBe(lost);
        }
      }
      expect(await t.kept(id, 'result')).toBe('of the next attempt');
      expect(await t.under.stored()).toEqual(before);
    });

    it.each(['', '.', '..', '../code/main.py', '/etc/cron.d/job', 'a//b', 'a/', 'a\0', 'n'.repeat(256)])(
      'refuses the name %j, and leaves nothing',
      async (name) => {
        const id = await t.upload({ code: { 'main.py': 'x' } });
        const before = await t.under.stored();
        await expect(t.keep(id, name, 'y')).rejects.toThrow(/^the name /);
        expect(await t.under.stored()).toEqual(before);
        expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x' });
      },
    );

    it('refuses what is no job id', async () => {
      await expect(t.keep('../escape', 'a', 'x')).rejects.toThrow('not a job id');
      expect(await t.under.stored()).toEqual([]);
    });

    it('keeps files side by side', async () => {
      const id = await t.upload();
      const names = Array.from({ length: 20 }, (_, i) => `folder/${i % 3}/${i}`);
      await Promise.all(names.map((name) => t.keep(id, name, name)));
      for (const name of names) expect(await t.kept(id, name)).toBe(name);
    });
  });

  describe('clearing what an earlier attempt kept', () => {
    const t = useArtifacts(open);

    it('removes it, and leaves the upload', async () => {
      const id = await t.upload({ code: { 'main.py': 'x' }, input: { data: 'y' } });
      const before = await t.under.stored();
      await t.keep(id, 'a', 'x');
      await t.keep(id, 'folder/b', 'x');
      await t.artifacts.clearOutputs(id);
      expect([await t.kept(id, 'a'), await t.kept(id, 'folder/b')]).toEqual([undefined, undefined]);
      expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x' });
      expect(await t.received(id, 'input')).toEqual({ data: 'y' });
      expect(await t.under.stored()).toEqual(before);
    });

    it('leaves room for what the next attempt keeps, also where a folder was', async () => {
      const id = await t.upload();
      await t.keep(id, 'a/b', 'x');
      await t.artifacts.clearOutputs(id);
      await t.artifacts.clearOutputs(id);
      await t.keep(id, 'a', 'y');
      expect(await t.kept(id, 'a')).toBe('y');
    });

    it('leaves other jobs alone', async () => {
      const [id, other] = [await t.upload(), await t.upload()];
      await t.keep(other, 'a', 'theirs');
      await t.artifacts.clearOutputs(id);
      expect(await t.kept(other, 'a')).toBe('theirs');
    });

    it('lets a download that has begun come to its end', async () => {
      const id = await t.upload();
      const content = 'x'.repeat(3_000_000);
      await t.keep(id, 'large', content);
      const download = await t.artifacts.open(id, 'large');
      const parts = download?.stream()[Symbol.asyncIterator]();
      const received = [((await parts?.next())?.value ?? '') as Buffer];
      await t.artifacts.clearOutputs(id);
      while (parts !== undefined) {
        const next = await parts.next();
        if (next.done === true) break;
        received.push(next.value as Buffer);
      }
      expect(Buffer.concat(received).toString()).toBe(content);
    });

    it('removes nothing for an attempt that has lost its job', async () => {
      const id = await t.upload();
      await t.keep(id, 'a', 'of the next attempt');
      const lost = new Error('the job is somebody else’s');
      await expect(t.artifacts.clearOutputs(id, AbortSignal.abort(lost))).rejects.toBe(lost);
      expect(await t.kept(id, 'a')).toBe('of the next attempt');
    });

    it('rejects for what is no job id', async () => {
      await expect(t.artifacts.clearOutputs('..')).rejects.toThrow('not a job id');
    });
  });
}
