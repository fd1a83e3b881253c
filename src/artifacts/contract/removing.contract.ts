import { describe, expect, it } from 'vitest';
import { newId, useArtifacts, type OpenArtifacts } from './artifacts-under-test.contract.ts';

export function removing(open: OpenArtifacts): void {
  describe('removing a job', () => {
    const t = useArtifacts(open);

    it('leaves nothing of it', async () => {
      const id = await t.upload({ code: { 'pkg/main.py': 'x' }, input: { data: 'x' } });
      await t.keep(id, 'folder/result', 'y');
      await t.artifacts.remove(id);
      expect(await t.under.stored()).toEqual([]);
      expect(await t.ids()).toEqual([]);
      expect(await t.artifacts.open(id, 'folder/result')).toBeUndefined();
      await expect(t.artifacts.inputs(id)).rejects.toThrow('has no files');
    });

    it('leaves other jobs alone', async () => {
      const [id, other] = [await t.upload({ code: { a: 'x' } }), await t.upload({ code: { a: 'theirs' } })];
      await t.keep(other, 'result', 'theirs');
      await t.artifacts.remove(id);
      expect(await t.received(other, 'code')).toEqual({ a: 'theirs' });
      expect(await t.kept(other, 'result')).toBe('theirs');
    });

    it('is no error when there is nothing to remove', async () => {
      const id = await t.upload();
      await Promise.all([t.artifacts.remove(id), t.artifacts.remove(id)]);
      await t.artifacts.remove(id);
      await t.artifacts.remove(newId());
    });

    it('refuses what is no job id', async () => {
      const id = await t.upload();
      for (const odd of ['', '.', '..', 'staging', 'A'.repeat(32), `${id}/output`]) {
        await expect(t.artifacts.remove(odd)).rejects.toThrow('not a job id');
      }
      expect(await t.ids()).toEqual([id]);
    });
  });
}
