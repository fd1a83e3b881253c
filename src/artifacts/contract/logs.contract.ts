import { describe, expect, it } from 'vitest';
import { broken, bytes, newId, read, useArtifacts, type OpenArtifacts } from './artifacts-under-test.contract.ts';

export function logs(open: OpenArtifacts): void {
  describe('logs of jobs that are over', () => {
    const t = useArtifacts(open);
    const logOf = async (id: string, range?: { start: number; end: number }): Promise<string | undefined> => {
      const found = await t.artifacts.openLog(id);
      return found && (await read(found.stream(range)));
    };

    it('gives a log back, whole or any part of it', async () => {
      const id = await t.upload();
      await t.artifacts.keepLog(id, bytes('first\n', 'second é日\n'));
      expect(await logOf(id)).toBe('first\nsecond é日\n');
      expect(await logOf(id, { start: 2, end: 8 })).toBe('rst\nsec');
      expect((await t.artifacts.openLog(id))?.size).toBe(Buffer.byteLength('first\nsecond é日\n'));
    });

    it('takes a large one as it comes', async () => {
      const id = await t.upload();
      await t.artifacts.keepLog(id, bytes(...Array.from({ length: 200 }, (_, part) => String(part % 10).repeat(65_536))));
      expect((await t.artifacts.openLog(id))?.size).toBe(200 * 65_536);
      expect(await logOf(id, { start: 65_535, end: 65_536 })).toBe('01');
      expect(await logOf(id, { start: 199 * 65_536, end: 199 * 65_536 + 2 })).toBe('999');
    });

    it('takes the log of a job that has no files', async () => {
      const id = newId();
      await t.artifacts.keepLog(id, bytes('words'));
      expect(await logOf(id)).toBe('words');
      await t.artifacts.remove(id);
      expect(await t.under.stored()).toEqual([]);
    });

    it('replaces it when it is kept again', async () => {
      const id = await t.upload();
      await t.artifacts.keepLog(id, bytes('one that was longer'));
      await t.artifacts.keepLog(id, bytes('another'));
      expect(await logOf(id)).toBe('another');
    });

    it('keeps nothing of one that breaks off, and what was there before stays', async () => {
      const id = await t.upload();
      const before = await t.under.stored();
      await expect(t.artifacts.keepLog(id, broken(new Error('gone')))).rejects.toThrow('gone');
      expect(await t.artifacts.openLog(id)).toBeUndefined();
      expect(await t.under.stored()).toEqual(before);
      await t.artifacts.keepLog(id, bytes('whole'));
      await expect(t.artifacts.keepLog(id, broken(new Error('gone')))).rejects.toThrow('gone');
      expect(await logOf(id)).toBe('whole');
    });

    it('has none that was never kept, nor of what is no job', async () => {
      expect(await t.artifacts.openLog(await t.upload())).toBeUndefined();
      expect(await t.artifacts.openLog(newId())).toBeUndefined();
      expect(await t.artifacts.openLog('../log')).toBeUndefined();
    });

    it('is no artifact, and no artifact is it', async () => {
      const id = await t.upload();
      await t.artifacts.keepLog(id, bytes('the log'));
      expect(await t.kept(id, 'log')).toBeUndefined();
      expect(await t.kept(id, '../log')).toBeUndefined();
      await t.keep(id, 'log', 'a file');
      expect(await logOf(id)).toBe('the log');
      await t.artifacts.clearOutputs(id);
      expect(await logOf(id)).toBe('the log');
    });

    it('goes with its job, and outlives a crash without it', async () => {
      const [id, other] = [await t.upload(), await t.upload()];
      await t.artifacts.keepLog(id, bytes('gone'));
      await t.artifacts.keepLog(other, bytes('kept'));
      await t.artifacts.remove(id);
      await t.under.reopen();
      expect(await t.artifacts.openLog(id)).toBeUndefined();
      expect(await logOf(other)).toBe('kept');
    });
  });
}
