import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { broken, bytes, newId, sha256, useArtifacts, write, type OpenArtifacts } from './artifacts-under-test.contract.ts';

const MIB = 1024 * 1024;
const ODD_NAMES = ['é日🙂.txt', ' #?&+%41', 'a\\b', '-rf', '...', 'a..b', 'line\nbreak', 'n'.repeat(255), '__proto__'];

export function uploading(open: OpenArtifacts): void {
  describe('uploading', () => {
    const t = useArtifacts(open);

    it('hands out what was uploaded, in the folder that it was meant for, sub-folders kept', async () => {
      const code = { 'main.py': 'print(1)', 'pkg/mod.py': 'x = 1', 'pkg/deep/er/data.json': '{}' };
      const id = await t.upload({ code, input: { 'main.py': 'another one', 'empty.csv': '' } });
      expect(await t.received(id, 'code')).toEqual(code);
      expect(await t.received(id, 'input')).toEqual({ 'main.py': 'another one', 'empty.csv': '' });
    });

    it('keeps odd names as they are', async () => {
      const files = ODD_NAMES.map((name, i): [string, string] => [i % 2 === 0 ? name : `folder ${i}/${name}`, name]);
      const id = await t.upload({ code: Object.fromEntries(files) });
      expect(await t.received(id, 'code')).toEqual(Object.fromEntries(files));
    });

    it('hands out both folders when nothing was uploaded', async () => {
      const id = await t.upload();
      expect([await t.received(id, 'code'), await t.received(id, 'input')]).toEqual([{}, {}]);
    });

    it('hands out a job’s files more than once, to several at a time', async () => {
      const id = await t.upload({ code: { 'main.py': 'x' } });
      expect(await Promise.all([t.received(id, 'code'), t.received(id, 'code')])).toEqual([{ 'main.py': 'x' }, { 'main.py': 'x' }]);
      expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x' });
    });

    it('hands out files that any user may read and nobody else may write, whatever the umask', async () => {
      const umask = process.umask(0o077);
      try {
        const id = await t.upload({ code: { 'pkg/mod.py': 'x' } });
        const inputs = await t.artifacts.inputs(id);
        const modes = await Promise.all(
          [inputs.codeDir, inputs.inputDir, join(inputs.codeDir, 'pkg'), join(inputs.codeDir, 'pkg/mod.py')].map(
            async (path) => (await lstat(path)).mode & 0o7777,
          ),
        );
        expect(modes).toEqual([0o755, 0o755, 0o755, 0o644]);
        await inputs.dispose();
      } finally {
        process.umask(umask);
      }
    });

    it('tells size and SHA-256 of what was written', async () => {
      const upload = await t.artifacts.stage(newId());
      expect(await upload.write('code', 'a', bytes('hello ', '', 'world'))).toEqual({ size: 11, sha256: sha256('hello world') });
      expect(await upload.write('code', 'b', bytes())).toEqual({ size: 0, sha256: sha256('') });
      await upload.discard();
    });

    it('shows nothing of an upload before it is committed', async () => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      await write(upload, 'code', 'main.py', 'x');
      await expect(t.artifacts.inputs(id)).rejects.toThrow('has no files');
      expect(await t.ids()).toEqual([]);
      await upload.commit();
      expect(await t.ids()).toEqual([id]);
    });

    it.each([
      ['nothing', ''],
      ['the folder itself', '.'],
      ['the folder above', '..'],
      ['a way out', '../main.py'],
      ['a way out and back', 'pkg/../../code/main.py'],
      ['a way that stays inside', 'pkg/../main.py'],
      ['an absolute path', '/etc/passwd'],
      ['an empty part', 'pkg//mod.py'],
      ['a folder', 'pkg/'],
      ['a NUL', 'a\0b'],
      ['what was not UTF-8', 'caf\ufffd'],
      ['half a surrogate pair', 'a\ud83d'],
      ['a part that is too long', 'é'.repeat(128)],
      ['a path that is too long', `${'n'.repeat(200)}/`.repeat(11)],
    ])('refuses a name that is %s', async (_, path) => {
      const upload = await t.artifacts.stage(newId());
      await expect(write(upload, 'code', path, 'x')).rejects.toMatchObject({ name: 'ApiError', code: 'invalid_spec' });
      await upload.discard();
      expect(await t.under.stored()).toEqual([]);
    });

    it.each([
      ['the same path twice', 'a', 'a'],
      ['the same path twice in a folder', 'a/b', 'a/b'],
      ['a file, then a folder of its name', 'a', 'a/b'],
      ['a file, then a folder below its name', 'a', 'a/b/c'],
      ['a folder, then a file of its name', 'a/b', 'a'],
      ['a folder, then a file of its parent’s name', 'a/b/c', 'a'],
    ])('refuses %s, and keeps the first', async (_, first, second) => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      await write(upload, 'input', first, 'first');
      await expect(write(upload, 'input', second, 'second')).rejects.toMatchObject({ name: 'ApiError', code: 'invalid_spec' });
      await upload.commit();
      expect(await t.received(id, 'input')).toEqual({ [first]: 'first' });
    });

    it('passes on the error of content that breaks off, and leaves nothing of the file', async () => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      const error = new Error('the client went away');
      await write(upload, 'code', 'whole', 'x');
      await expect(upload.write('code', 'half', broken(error))).rejects.toBe(error);
      await upload.commit();
      expect(await t.received(id, 'code')).toEqual({ whole: 'x' });
    });

    it('writes files of one upload side by side', async () => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      const names = Array.from({ length: 20 }, (_, i) => `folder/${i % 3}/${i}`);
      await Promise.all(names.map((name) => write(upload, 'code', name, name)));
      await upload.commit();
      expect(await t.received(id, 'code')).toEqual(Object.fromEntries(names.map((name) => [name, name])));
    });

    it('holds little of a large file in memory', async () => {
      const upload = await t.artifacts.stage(newId());
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      async function* large(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 256; i++) {
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
          yield Buffer.alloc(MIB, i);
        }
      }
      expect((await upload.write('input', 'large', large())).size).toBe(256 * MIB);
      expect(most).toBeLessThan(128 * MIB);
      await upload.discard();
    });
  });

  describe('discarding an upload', () => {
    const t = useArtifacts(open);

    it('leaves nothing of it', async () => {
      const upload = await t.artifacts.stage(newId());
      await write(upload, 'code', 'pkg/main.py', 'x');
      await write(upload, 'input', 'data', 'x');
      await upload.discard();
      expect(await t.under.stored()).toEqual([]);
      expect(await t.ids()).toEqual([]);
    });

    it('leaves nothing of a file that is being written, and ends the writing', async () => {
      const upload = await t.artifacts.stage(newId());
      const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* slow(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('the first half');
        started.resolve();
        await gate.promise;
        yield Buffer.from('the other');
      }
      const writing = upload.write('code', 'pkg/main.py', slow());
      await started.promise;
      await upload.discard();
      gate.resolve();
      await expect(writing).rejects.toThrow('the upload is discarded');
      expect(await t.under.stored()).toEqual([]);
    });

    it('takes nothing more', async () => {
      const upload = await t.artifacts.stage(newId());
      await upload.discard();
      await expect(write(upload, 'code', 'pkg/main.py', 'x')).rejects.toThrow('the upload is discarded');
      await expect(upload.commit()).rejects.toThrow('the upload is discarded');
      expect(await t.under.stored()).toEqual([]);
    });

    it('may be done again, and leaves the same id free', async () => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      await write(upload, 'code', 'old', 'x');
      await upload.discard();
      await upload.discard();
      const next = await t.artifacts.stage(id);
      await write(next, 'code', 'new', 'x');
      await next.commit();
      expect(await t.received(id, 'code')).toEqual({ new: 'x' });
    });

    it('leaves a committed upload alone', async () => {
      const id = newId();
      const upload = await t.artifacts.stage(id);
      await write(upload, 'code', 'main.py', 'x');
      await upload.commit();
      await upload.discard();
      expect(await t.received(id, 'code')).toEqual({ 'main.py': 'x' });
    });

    it('is the only way on when a file is still being written', async () => {
      const upload = await t.artifacts.stage(newId());
      const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* slow(): AsyncGenerator<Uint8Array> {
        started.resolve();
        await gate.promise;
        yield Buffer.from('x');
      }
      const writing = upload.write('code', 'main.py', slow()).catch(() => undefined);
      await started.promise;
      await expect(upload.commit()).rejects.toThrow(/still being written/);
      await upload.discard();
      gate.resolve();
      await writing;
      expect(await t.under.stored()).toEqual([]);
    });
  });

  describe('handing out inputs', () => {
    const t = useArtifacts(open);

    it('rejects for a job that has no files', async () => {
      await expect(t.artifacts.inputs(newId())).rejects.toThrow('has no files');
    });

    it('rejects for what is no job id', async () => {
      for (const id of ['', '..', 'staging', 'A'.repeat(32), '0'.repeat(31), `${'0'.repeat(32)}/code`]) {
        await expect(t.artifacts.inputs(id)).rejects.toThrow('not a job id');
        await expect(t.artifacts.stage(id)).rejects.toThrow('not a job id');
      }
    });

    it('does not hand out what the job left', async () => {
      const id = await t.upload({ code: { 'main.py': 'x' } });
      await t.keep(id, 'result', 'y');
      const inputs = await t.artifacts.inputs(id);
      expect([await readdir(inputs.codeDir), await readdir(inputs.inputDir)]).toEqual([['main.py'], []]);
      await inputs.dispose();
    });
  });
}
