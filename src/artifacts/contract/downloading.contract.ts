import { describe, expect, it } from 'vitest';
import { newId, useArtifacts, type OpenArtifacts } from './artifacts-under-test.contract.ts';

export function downloading(open: OpenArtifacts): void {
  describe('downloading', () => {
    const t = useArtifacts(open);

    it('tells the size and when it was kept', async () => {
      const id = await t.upload();
      const before = Date.now();
      await t.keep(id, 'result', 'hello');
      const found = await t.artifacts.open(id, 'result');
      expect(found?.size).toBe(5);
      // Clocks of file systems and of object stores are coarser than ours.
      expect(found?.modifiedAt).toBeGreaterThan(before - 2000);
      expect(found?.modifiedAt).toBeLessThan(Date.now() + 2000);
    });

    it('hands out any range, both ends included', async () => {
      const id = await t.upload();
      const content = '0123456789';
      await t.keep(id, 'digits', content);
      for (const [start, end] of [
        [0, 9],
        [0, 0],
        [9, 9],
        [3, 6],
      ] as const) {
        expect(await t.kept(id, 'digits', { start, end })).toBe(content.slice(start, end + 1));
      }
    });

    it('hands out a range of a large file', async () => {
      const id = await t.upload();
      const content = Array.from({ length: 200_000 }, (_, i) => String(i).padStart(8, '0')).join('');
      await t.keep(id, 'large', content);
      expect(await t.kept(id, 'large')).toBe(content);
      expect(await t.kept(id, 'large', { start: 100_001, end: 1_499_998 })).toBe(content.slice(100_001, 1_499_999));
    });

    it('hands out one file to several at a time, as often as they like', async () => {
      const id = await t.upload();
      await t.keep(id, 'result', 'hello');
      const found = await t.artifacts.open(id, 'result');
      const texts = await Promise.all([1, 2, 3].map(async () => (await found?.stream().toArray())?.join('')));
      expect(texts).toEqual(['hello', 'hello', 'hello']);
    });

    it('finds odd names', async () => {
      const id = await t.upload();
      const names = ['é日🙂.txt', ' #?&+%41', 'a\\b', '-rf', '...', 'a..b/c', '%2e%2e', 'n'.repeat(255), '__proto__', 'x.constructor'];
      for (const name of names) expect(typeof (await t.keep(id, name, name)).content_type).toBe('string');
      for (const name of names) expect(await t.kept(id, name)).toBe(name);
    });

    it.each([
      ['is not there', 'absent'],
      ['is a folder', 'folder'],
      ['is a folder, with a slash', 'folder/'],
      ['is nothing', ''],
      ['is the output folder', '.'],
      ['is the job’s folder', '..'],
      ['is an upload', '../code/main.py'],
      ['is an upload, by a detour', 'folder/../../code/main.py'],
      ['is there, by a detour', 'folder/../result'],
      ['is there, with a dot', './result'],
      ['is there, with two slashes', 'folder//inner'],
      ['is there, as an absolute path', '/result'],
      ['goes on after a file', 'result/more'],
      ['has a NUL', 'result\0'],
      ['is encoded', '%72esult'],
      ['is too long', 'n'.repeat(256)],
      ['is far too long', `${'n'.repeat(255)}/`.repeat(20)],
    ])('finds nothing when the name %s', async (_, name) => {
      const id = await t.upload({ code: { 'main.py': 'x' } });
      await t.keep(id, 'result', 'y');
      await t.keep(id, 'folder/inner', 'y');
      expect(await t.artifacts.open(id, name)).toBeUndefined();
    });

    it('finds nothing of another job', async () => {
      const [id, other] = [await t.upload(), await t.upload()];
      await t.keep(other, 'result', 'theirs');
      expect(await t.artifacts.open(id, 'result')).toBeUndefined();
      expect(await t.artifacts.open(id, `../../${other}/output/result`)).toBeUndefined();
    });

    it('finds nothing under what is no job id', async () => {
      const id = await t.upload();
      await t.keep(id, 'result', 'y');
      for (const odd of ['', '.', '..', newId(), 'A'.repeat(32), `${id}/`, `./${id}`, `${id}\0`, `${id}/output/..`]) {
        expect(await t.artifacts.open(odd, 'result')).toBeUndefined();
      }
    });
  });
}
