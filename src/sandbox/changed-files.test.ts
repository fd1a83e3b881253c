import { chmod, link, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOUNDS, collected, writeFiles, type Collected } from '../../test/support/collected.ts';
import { changedFiles } from './changed-files.ts';
import type { CollectBounds } from './sandbox.ts';

describe('collecting what a program added or changed beside its code', () => {
  let home: string;
  let original: string;
  let copy: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'changed-files-'));
    [original, copy] = [join(home, 'original'), join(home, 'copy')];
    await mkdir(original);
    await mkdir(copy);
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const collect = (bounds: Partial<CollectBounds> = {}): Promise<Collected> =>
    collected((leftOut) => changedFiles(original, copy, { ...BOUNDS, ...bounds }, leftOut));

  it('takes what is new, and what has another size or other content', async () => {
    await writeFiles(original, { 'main.py': 'x', 'data/longer': 'old', 'data/other': 'old', 'data/same': 'same' });
    await writeFiles(copy, { 'main.py': 'x', 'data/longer': 'older', 'data/other': 'new', 'data/same': 'same', 'plots/a.png': 'png' });
    expect(await collect()).toEqual({ files: { 'data/longer': 'older', 'data/other': 'new', 'plots/a.png': 'png' }, leftOut: {} });
  });

  it('leaves out what is the same, whatever its mode and times', async () => {
    const files = { 'main.py': 'x', empty: '', 'folder/data': 'x' };
    await writeFiles(original, files);
    await writeFiles(copy, files);
    await chmod(join(copy, 'main.py'), 0o777);
    expect(await collect()).toEqual({ files: {}, leftOut: {} });
  });

  it('says nothing of files that were removed', async () => {
    await writeFiles(original, { 'main.py': 'x', 'folder/data': 'x' });
    expect(await collect()).toEqual({ files: {}, leftOut: {} });
  });

  it('finds the one byte by which large files differ, wherever it is', async () => {
    const large = 'x'.repeat(600_000);
    await writeFiles(original, { first: large, middle: large, last: large, none: large });
    const changed = {
      first: `y${large.slice(1)}`,
      middle: `${large.slice(0, 300_000)}y${large.slice(300_001)}`,
      last: `${large.slice(1)}y`,
    };
    await writeFiles(copy, { ...changed, none: large });
    expect(await collect()).toEqual({ files: changed, leftOut: {} });
  });

  it('leaves out bytecode caches, however deep, but not files of that name', async () => {
    await writeFiles(copy, { '__pycache__/a.pyc': 'x', 'pkg/__pycache__/b.pyc': 'x', 'other/__pycache__': 'mine' });
    expect(await collect()).toEqual({ files: { 'other/__pycache__': 'mine' }, leftOut: {} });
  });

  it('takes a file that is where a folder was, also when it has the folder’s size', async () => {
    await writeFiles(original, { 'a/inner': 'x' });
    const { size } = await stat(join(original, 'a'));
    await writeFiles(copy, { a: 'x'.repeat(size) });
    expect(Object.keys((await collect()).files)).toEqual(['a']);
  });

  it('takes files of a folder that is where a file was', async () => {
    await writeFiles(original, { a: 'x' });
    await writeFiles(copy, { 'a/inner': 'x' });
    expect(await collect()).toEqual({ files: { 'a/inner': 'x' }, leftOut: {} });
  });

  it('is as careful as with any output', async () => {
    await writeFiles(original, { a: 'x' });
    await symlink(join(original, 'a'), join(copy, 'link'));
    await symlink(original, join(copy, 'folder'));
    await link(join(original, 'a'), join(copy, 'a'));
    expect(await collect()).toEqual({
      files: {},
      leftOut: { link: 'is a symbolic link', folder: 'is a symbolic link', a: 'has more than one name (hard links)' },
    });
  });

  it('counts only what has changed towards the bounds', async () => {
    const uploaded = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`data/${i}`, '0123456789']));
    await writeFiles(original, uploaded);
    await writeFiles(copy, { ...uploaded, a: '12345', b: '12345' });
    expect(await collect({ maxFiles: 2, maxBytes: 10 })).toEqual({ files: { a: '12345', b: '12345' }, leftOut: {} });
    expect((await collect({ maxFiles: 1 })).leftOut).toEqual({ '1 more file': 'no more than 1 are kept' });
  });
});
