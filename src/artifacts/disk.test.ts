import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deepTree } from '../../test/support/deep-tree.ts';
import { errnoOf, StartError } from '../errors.ts';
import { artifactsContract } from './artifacts.contract.ts';
import { broken, newId, output, write } from './contract/artifacts-under-test.contract.ts';
import { openDiskArtifacts } from './disk-under-test.contract.ts';
import { createDiskArtifacts } from './disk.ts';

/** How many entries a folder has; undefined when it is not there. */
function entriesOf(folder: string): number | undefined {
  try {
    return readdirSync(folder).length;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const isRoot = process.getuid?.() === 0;

artifactsContract('disk', openDiskArtifacts);

describe('artifacts disk, on its host', () => {
  let under: Awaited<ReturnType<typeof openDiskArtifacts>>;
  beforeEach(async () => void (under = await openDiskArtifacts()));
  afterEach(() => under.close());

  async function upload(): Promise<string> {
    const id = newId();
    const staged = await under.artifacts.stage(id);
    await write(staged, 'code', 'main.py', 'x');
    await staged.commit();
    return id;
  }

  it('lets no other user of the host in, also where the folder was open', async () => {
    await chmod(under.dir, 0o777);
    const umask = process.umask(0o000);
    try {
      await under.artifacts.check();
    } finally {
      process.umask(umask);
    }
    for (const folder of ['', 'staging', 'keeping']) expect((await lstat(join(under.dir, folder))).mode & 0o777).toBe(0o700);
  });

  it('hands out its own folders, without copying', async () => {
    const id = await upload();
    const { codeDir, inputDir } = await under.artifacts.inputs(id);
    expect([codeDir, inputDir]).toEqual([join(under.dir, id, 'code'), join(under.dir, id, 'input')]);
  });

  it('keeps the files of a job whose id is uploaded a second time', async () => {
    const id = await upload();
    const before = await under.stored();
    const second = await under.artifacts.stage(id);
    await write(second, 'code', 'other.py', 'x');
    await expect(second.commit()).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    await second.discard();
    expect(await under.stored()).toEqual(before);
  });

  it('leaves no half of a file in an upload that goes on', async () => {
    const staged = await under.artifacts.stage(newId());
    await expect(staged.write('code', 'pkg/half', broken(new Error('gone')))).rejects.toThrow('gone');
    expect((await under.stored()).filter((path) => path.endsWith('half'))).toEqual([]);
    await staged.discard();
  });

  it('tells of a file and a folder of one name without naming a folder of the host', async () => {
    const id = await upload();
    await under.artifacts.keep(id, output('a/b', 'x'));
    await under.artifacts.keep(id, output('c', 'x'));
    const before = await under.stored();
    for (const name of ['a', 'c/d']) {
      await expect(under.artifacts.keep(id, output(name, 'x'))).rejects.toThrow(/^a file and a folder have the same name$/);
    }
    expect(await under.stored()).toEqual(before);
  });

  it('keeps nothing for a job that is gone, and says so without naming a folder of the host', async () => {
    const id = await upload();
    await under.artifacts.remove(id);
    await expect(under.artifacts.keep(id, output('folder/late', 'x'))).rejects.toThrow(/^can't be kept \(ENOENT\)$/);
    expect(await under.stored()).toEqual([]);
  });

  it('hands out nothing but regular files, also when others lie in the output folder', async () => {
    const id = await upload();
    const folder = join(under.dir, id, 'output');
    await symlink('/etc/passwd', join(folder, 'link'));
    await symlink('../code', join(folder, 'folder-link'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    for (const name of ['link', 'folder-link', 'fifo']) expect(await under.artifacts.open(id, name)).toBeUndefined();
  });

  it('does not write through a link that lies in the output folder', async () => {
    const id = await upload();
    const outside = join(under.dir, 'outside');
    await mkdir(outside);
    await symlink(outside, join(under.dir, id, 'output', 'folder'));
    await symlink(join(outside, 'file'), join(under.dir, id, 'output', 'file'));
    await expect(under.artifacts.keep(id, output('folder/a', 'x'))).rejects.toThrow('the same name');
    await under.artifacts.keep(id, output('file', 'x'));
    expect(await readdir(outside)).toEqual([]);
  });

  it('notices a file that has become shorter than it was', async () => {
    const id = await upload();
    await under.artifacts.keep(id, output('result', 'hello'));
    const found = await under.artifacts.open(id, 'result');
    await writeFile(join(under.dir, id, 'output/result'), 'he');
    await expect(found?.stream().toArray()).rejects.toThrow('shorter than it was');
  });

  it('lets a job vanish at once, however long the removing takes', async () => {
    const id = await upload();
    const folder = join(under.dir, id, 'output');
    for (let i = 0; i < 2000; i++) writeFileSync(join(folder, String(i)), '');
    const removing = under.artifacts.remove(id);
    // Partly removed is what nobody may see; not to have seen it at all is fine.
    const sightings = new Set<number>();
    for (let seen = entriesOf(folder); seen !== undefined; seen = entriesOf(folder)) {
      sightings.add(seen);
      await nextTurn();
    }
    await removing;
    sightings.delete(2000);
    expect([...sightings]).toEqual([]);
    expect(await under.stored()).toEqual([]);
  });

  it('dates a job from when its upload was whole, not from when it was begun', async () => {
    const staged = await under.artifacts.stage(newId());
    const [home = ''] = await readdir(join(under.dir, 'staging'));
    await utimes(join(under.dir, 'staging', home), 0, 0);
    const before = Date.now();
    await staged.commit();
    for await (const { modifiedAt } of under.artifacts.ids()) expect(modifiedAt).toBeGreaterThan(before - 2000);
  });

  it('removes jobs with trees that no program should have made', async () => {
    const id = await upload();
    const folder = join(under.dir, id, 'output');
    await rename(await deepTree(under.dir, 100), join(folder, 'deep'));
    await mkdir(join(folder, 'closed/inner'), { recursive: true });
    await chmod(join(folder, 'closed'), 0o000);
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a])]), 'x');
    await under.artifacts.remove(id);
    expect(await under.stored()).toEqual([]);
  });

  it('sweeps what it was copying or removing when it was killed', async () => {
    const id = await upload();
    const before = await under.stored();
    const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      started.resolve();
      await gate.promise;
    }
    const copying = under.artifacts.keep(id, { name: 'result', size: 1, open: () => Readable.from(slow()) }).catch(() => undefined);
    await started.promise;
    await mkdir(join(under.dir, 'staging/removed-1/inner'), { recursive: true });
    await chmod(join(under.dir, 'staging/removed-1'), 0o000);
    await (await under.reopen()).sweep(0);
    expect(await under.stored()).toEqual(before);
    gate.resolve();
    await copying;
  });

  it('lists nothing but jobs', async () => {
    const id = await upload();
    await writeFile(join(under.dir, '0'.repeat(32)), 'a file');
    await mkdir(join(under.dir, 'lost+found'));
    const ids: string[] = [];
    for await (const found of under.artifacts.ids()) ids.push(found.id);
    expect(ids).toEqual([id]);
  });

  it('tells which folder it can’t use, and what mends it', async () => {
    const taken = join(under.dir, 'a-file');
    await writeFile(taken, 'x');
    const error: unknown = await createDiskArtifacts({ dir: join(taken, 'files') })
      .check()
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({
      message: `Files can't be written to ${join(taken, 'files')} (ENOTDIR).`,
      remedy: 'set JOB_DATA_DIR to a folder that this user may write to',
    });
  });

  it('starts in a closed folder as root only', async () => {
    const closed = join(under.dir, 'closed');
    await mkdir(closed, { mode: 0o500 });
    const checked = createDiskArtifacts({ dir: join(closed, 'files') }).check();
    if (isRoot) await expect(checked).resolves.toBeUndefined();
    else await expect(checked).rejects.toMatchObject({ name: 'StartError', message: expect.stringContaining('EACCES') as string });
  });
});
