import { describe, expect, it } from 'vitest';
import { newId, useArtifacts, write, type OpenArtifacts } from './artifacts-under-test.contract.ts';

export function housekeeping(open: OpenArtifacts): void {
  describe('housekeeping', () => {
    const t = useArtifacts(open);

    it('lists the jobs that have files, with the time of their last change', async () => {
      const before = Date.now();
      const ids = [await t.upload(), await t.upload({ code: { a: 'x' } })].sort();
      const staged = await t.artifacts.stage(newId());
      expect(await t.ids()).toEqual(ids);
      for await (const { modifiedAt } of t.artifacts.ids()) {
        expect(modifiedAt).toBeGreaterThan(before - 2000);
        expect(modifiedAt).toBeLessThan(Date.now() + 2000);
      }
      await staged.discard();
    });

    it('lists on while jobs come and go', async () => {
      const ids = await Promise.all(Array.from({ length: 50 }, () => t.upload()));
      const listed: string[] = [];
      for await (const { id } of t.artifacts.ids()) {
        if (listed.length === 0) await Promise.all(ids.filter((other) => other !== id).map((other) => t.artifacts.remove(other)));
        listed.push(id);
      }
      expect(ids).toEqual(expect.arrayContaining(listed));
    });

    it('sweeps what uploads left when the service was killed, and nothing else', async () => {
      const id = await t.upload({ code: { 'main.py': 'x' } });
      await t.keep(id, 'result', 'y');
      const before = await t.under.stored();
      await write(await t.artifacts.stage(newId()), 'code', 'pkg/main.py', 'x');
      const again = await t.under.reopen();
      await again.sweep(0);
      expect(await t.under.stored()).toEqual(before);
      expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x' });
      expect(await t.kept(id, 'result')).toBe('y');
    });

    it('leaves uploads alone that may still go on, when others may be uploading', async () => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      await write(upload, 'code', 'main.py', 'x');
      await t.artifacts.sweep(60_000);
      await write(upload, 'code', 'more.py', 'y');
      await upload.commit();
      expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x', 'more.py': 'y' });
    });

    it('keeps what was committed and kept when the service is killed', async () => {
      const id = await t.upload({ code: { 'main.py': 'x' } });
      await t.keep(id, 'result', 'y');
      await t.under.reopen();
      expect(await t.ids()).toEqual([id]);
      expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x' });
      expect(await t.kept(id, 'result')).toBe('y');
    });

    it('checks itself as often as it is asked, beside uploads, and leaves nothing', async () => {
      const upload = await t.artifacts.stage(newId());
      await Promise.all([t.artifacts.check(), t.artifacts.check()]);
      await write(upload, 'code', 'main.py', 'x');
      await t.artifacts.check();
      await upload.discard();
      expect(await t.under.stored()).toEqual([]);
    });
  });
}
