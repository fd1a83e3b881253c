import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deepTree } from '../../test/support/deep-tree.ts';
import { removeTree } from './remove-tree.ts';

describe('removing a tree', () => {
  let home: string;
  let tree: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'remove-tree-'));
    tree = join(home, 'tree');
    await mkdir(tree);
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('removes files and folders', async () => {
    await mkdir(join(tree, 'a/b'), { recursive: true });
    await writeFile(join(tree, 'a/b/c'), 'x');
    await removeTree(tree);
    expect(await readdir(home)).toEqual([]);
  });

  it('removes one that is deeper than a path can be long, with files at every turn', async () => {
    for (const name of ['one', 'two']) {
      await mkdir(join(tree, name));
      await writeFile(join(tree, name, 'file'), 'x');
      await deepTree(join(tree, name), 200);
    }
    await expect(rm(tree, { recursive: true })).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    await removeTree(tree);
    expect(await readdir(home)).toEqual([]);
  });

  it('removes folders that nobody may enter, read or change', async () => {
    for (const mode of [0o000, 0o400, 0o500]) {
      const folder = join(tree, mode.toString(8));
      await mkdir(join(folder, 'inner'), { recursive: true });
      await writeFile(join(folder, 'inner/file'), 'x', { mode: 0o000 });
      await chmod(join(folder, 'inner'), mode);
      await chmod(folder, mode);
    }
    await chmod(tree, 0o500);
    await removeTree(tree);
    expect(await readdir(home)).toEqual([]);
  });

  it('removes names of any bytes, also when it is deep', async () => {
    const names = ['new\nline', '-rf', ' ', '..a', '\\'].map((name) => Buffer.from(name));
    for (const name of [...names, Buffer.from([0xff, 0xfe, 0x2e])]) {
      const path = Buffer.concat([Buffer.from(`${tree}/`), name]);
      await mkdir(path);
      await writeFile(Buffer.concat([path, Buffer.from('/'), name]), 'x');
    }
    await deepTree(tree, 100);
    await removeTree(tree);
    expect(await readdir(home)).toEqual([]);
  });

  it('follows no link', async () => {
    const outside = join(home, 'outside');
    await mkdir(outside, { mode: 0o755 });
    await writeFile(join(outside, 'file'), 'ours');
    await symlink(outside, join(tree, 'link'));
    await symlink(join(outside, 'file'), join(tree, 'file-link'));
    await deepTree(tree, 100);
    await removeTree(tree);
    expect(await readdir(home)).toEqual(['outside']);
    expect(await readFile(join(outside, 'file'), 'utf8')).toBe('ours');
    expect((await lstat(outside)).mode & 0o777).toBe(0o755);
  });

  it('removes a link or a file in the place of the tree, and not what the link is to', async () => {
    const link = join(home, 'link');
    await symlink(tree, link);
    await removeTree(link);
    await writeFile(link, 'x');
    await removeTree(link);
    expect(await readdir(home)).toEqual(['tree']);
  });

  it('is no error when there is nothing', async () => {
    await removeTree(join(home, 'absent'));
    expect(await readdir(home)).toEqual(['tree']);
  });
});
