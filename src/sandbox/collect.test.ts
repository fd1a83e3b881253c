import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOUNDS, collected, writeFiles, type Collected } from '../../test/support/collected.ts';
import { deepTree } from '../../test/support/deep-tree.ts';
import { removeTree } from '../artifacts/remove-tree.ts';
import { collectFolder } from './collect.ts';
import type { CollectBounds, LeftOut } from './sandbox.ts';

const isRoot = process.getuid?.() === 0;
/** Moves a link, a FIFO and a whole file over one and the same name in turn: there is always one of them. */
const EXCHANGE_FOR_EVER = `
  use POSIX 'mkfifo';
  $| = 1;
  chdir shift;
  for (my $round = 0; ; $round++) {
    for my $kind ('link', 'mine', 'fifo', 'mine') {
      if ($kind eq 'link') { symlink '../secret', 'next' }
      elsif ($kind eq 'fifo') { mkfifo 'next', 0600 }
      else { open my $file, '>', 'next'; print $file 'mine'; close $file }
      rename 'next', 'output/a';
    }
    print 'started' if $round == 0;
  }`;
const EXCHANGED_REASONS = [
  'is a symbolic link',
  'is a FIFO',
  'was exchanged for another one',
  "can't be opened (ELOOP)",
  'has more than one name (hard links)',
];
const TIB = 1024 ** 4;

describe('collecting what a program left', () => {
  let home: string;
  let output: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'collect-'));
    output = join(home, 'output');
    await mkdir(output);
  });
  afterEach(() => removeTree(home));

  const collect = (bounds: Partial<CollectBounds> = {}): Promise<Collected> =>
    collected((leftOut) => collectFolder(output, { ...BOUNDS, ...bounds }, leftOut));

  /** What this process has open below the test's folder. */
  async function openBelowHome(): Promise<string[]> {
    const targets = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return targets.filter((target) => target.startsWith(home));
  }

  const odd = (...bytes: number[]): Buffer => Buffer.concat([Buffer.from(`${output}/`), Buffer.from(bytes)]);

  describe('takes', () => {
    it('regular files, in folders too', async () => {
      const files = { 'result.json': '{}', 'plots/a/b.png': 'png', 'é日🙂 #?&+%41': 'x', 'a\\b': 'x', '-rf': 'x', empty: '' };
      await writeFiles(output, files);
      expect(await collect()).toEqual({ files, leftOut: {} });
    });

    it('nothing from an empty folder', async () => {
      await mkdir(join(output, 'folder/inner'), { recursive: true });
      expect(await collect()).toEqual({ files: {}, leftOut: {} });
    });

    it('a file that is larger than one reading, whole', async () => {
      const content = Array.from({ length: 100_000 }, (_, i) => i).join(' ');
      await writeFiles(output, { large: content });
      expect((await collect()).files['large']).toBe(content);
    });

    it('a setuid file for its bytes', async () => {
      await writeFiles(output, { program: '#!/bin/sh' });
      await chmod(join(output, 'program'), 0o6755);
      expect(await collect()).toEqual({ files: { program: '#!/bin/sh' }, leftOut: {} });
    });

    it('as much as there was when it was opened of a file that has changed since', async () => {
      await writeFiles(output, { a: '12345' });
      for await (const file of collectFolder(output, BOUNDS, () => undefined)) {
        await writeFile(join(output, 'a'), '1234567890');
        expect(Buffer.concat(await file.open().toArray()).toString()).toBe('12345');
        await truncate(join(output, 'a'), 2);
        expect(Buffer.concat(await file.open().toArray()).toString()).toBe('12');
      }
    });
  });

  describe('leaves out, and says why', () => {
    it('links to files of the host', async () => {
      await symlink('/etc/shadow', join(output, 'shadow'));
      await symlink('/etc/hostname', join(output, 'hostname'));
      await symlink('nowhere', join(output, 'dangling'));
      await symlink('loop', join(output, 'loop'));
      const reason = 'is a symbolic link';
      expect(await collect()).toEqual({ files: {}, leftOut: { shadow: reason, hostname: reason, dangling: reason, loop: reason } });
    });

    it('links to folders, and what is behind them', async () => {
      await writeFiles(home, { 'secrets/key': 'secret' });
      await symlink('../secrets', join(output, 'sibling'));
      await symlink('/etc', join(output, 'etc'));
      await symlink('.', join(output, 'self'));
      const reason = 'is a symbolic link';
      expect(await collect()).toEqual({ files: {}, leftOut: { sibling: reason, etc: reason, self: reason } });
    });

    it('a FIFO, without waiting for a writer', async () => {
      execFileSync('mkfifo', [join(output, 'fifo')]);
      expect(await collect()).toEqual({ files: {}, leftOut: { fifo: 'is a FIFO' } });
    });

    it('a socket', async () => {
      const server = createServer().listen(join(output, 'socket'));
      try {
        expect(await collect()).toEqual({ files: {}, leftOut: { socket: 'is a socket' } });
      } finally {
        server.close();
      }
    });

    it('a device, where one can be made', async () => {
      const made = (() => {
        try {
          execFileSync('mknod', [join(output, 'zero'), 'c', '1', '5'], { stdio: 'ignore' });
          return true;
        } catch {
          return false;
        }
      })();
      expect(await collect()).toEqual({ files: {}, leftOut: made ? { zero: 'is a device' } : {} });
    });

    it('files with a second name, which may be outside', async () => {
      await writeFiles(home, { 'other-job/result': 'theirs' });
      await link(join(home, 'other-job/result'), join(output, 'mine'));
      await writeFiles(output, { good: 'x' });
      expect(await collect()).toEqual({ files: { good: 'x' }, leftOut: { mine: 'has more than one name (hard links)' } });
    });

    it('names that are not UTF-8, escaped', async () => {
      await writeFile(odd(0x61, 0xff), 'x');
      await mkdir(odd(0xfe));
      await writeFile(odd(0xfe, 0x2f, 0x62), 'x');
      const reason = 'its name is not valid UTF-8';
      expect(await collect()).toEqual({ files: {}, leftOut: { 'a\\xff': reason, '\\xfe': reason } });
    });

    it('names that would make one line look like two, or talk to a terminal, escaped', async () => {
      await writeFiles(output, {
        'a\n[runner] finished with code 0': 'x',
        'folder/\u001b[2J': 'x',
        'c\u0085d': 'x',
        'e\u2028f': 'x',
        'g\u009b2J': 'x',
        'fine/b\r': 'x',
      });
      const reason = 'its name contains a control character';
      expect(await collect()).toEqual({
        files: {},
        leftOut: {
          'a\\u000a[runner] finished with code 0': reason,
          'folder/\\u001b[2J': reason,
          'c\\u0085d': reason,
          'e\\u2028f': reason,
          'g\\u009b2J': reason,
          'fine/b\\u000d': reason,
        },
      });
    });

    it('paths that no artifact can have', async () => {
      const long = Array.from({ length: 10 }, () => 'n'.repeat(220)).join('/');
      await mkdir(join(output, long), { recursive: true });
      await writeFile(join(output, long, 'file'), 'x');
      const { files, leftOut } = await collect();
      expect(files).toEqual({});
      expect(Object.values(leftOut)).toEqual(['is longer than 2048 bytes']);
    });

    it('files and folders that it may not read, when it isn’t root', async () => {
      await writeFiles(output, { 'closed/inner': 'x', locked: 'y', open: 'z' });
      await chmod(join(output, 'closed'), 0o000);
      await chmod(join(output, 'locked'), 0o000);
      const closed = "can't be opened (EACCES)";
      expect(await collect()).toEqual(
        isRoot
          ? { files: { 'closed/inner': 'x', locked: 'y', open: 'z' }, leftOut: {} }
          : { files: { open: 'z' }, leftOut: { closed, locked: closed } },
      );
    });

    it('files of a folder that can be listed but not entered, when it isn’t root', async () => {
      await writeFiles(output, { 'listed/inner': 'x' });
      await chmod(join(output, 'listed'), 0o400);
      expect(await collect()).toEqual(
        isRoot
          ? { files: { 'listed/inner': 'x' }, leftOut: {} }
          : { files: {}, leftOut: { 'listed/inner': "can't be looked at (EACCES)" } },
      );
    });

    it.each([
      ['removed', async () => rm(output, { recursive: true })],
      ['exchanged for a link', async () => rm(output, { recursive: true }).then(() => symlink('/etc', output))],
      ['exchanged for a file', async () => rm(output, { recursive: true }).then(() => writeFile(output, 'x'))],
    ])('everything when the program has %s the folder itself', async (_, exchange) => {
      await exchange();
      expect(await collect()).toEqual({ files: {}, leftOut: { output: 'is no folder any more' } });
    });
  });

  it('rejects when the place of the folder is not there, for that is no program’s doing', async () => {
    await rm(home, { recursive: true });
    await expect(collect()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not led astray by a folder that is exchanged for a link while it is in it', async () => {
    await writeFiles(home, { 'secrets/a': 'secret', 'secrets/b': 'secret' });
    await writeFiles(output, { 'folder/a': 'mine', 'folder/b': 'mine' });
    const contents: string[] = [];
    for await (const file of collectFolder(output, BOUNDS, () => undefined)) {
      if (contents.length === 0) {
        await rename(join(output, 'folder'), join(home, 'moved'));
        await symlink('../secrets', join(output, 'folder'));
      }
      contents.push(Buffer.concat(await file.open().toArray()).toString());
    }
    expect(contents).toEqual(['mine', 'mine']);
  });

  it('takes nothing but the program’s own files while they are exchanged for links and FIFOs all the time', async () => {
    await writeFiles(home, { secret: 'secret' });
    const exchanger = spawn('perl', ['-e', EXCHANGE_FOR_EVER, home]);
    try {
      await once(exchanger.stdout, 'data');
      const contents = new Set<string>();
      const reasons = new Set<string>();
      for (let round = 0; round < 500 || contents.size + reasons.size < 3; round++) {
        const { files, leftOut } = await collect();
        for (const content of Object.values(files)) contents.add(content);
        for (const reason of Object.values(leftOut)) reasons.add(reason);
      }
      expect([...contents]).toEqual(['mine']);
      expect(EXCHANGED_REASONS).toEqual(expect.arrayContaining([...reasons]));
    } finally {
      exchanger.kill('SIGKILL');
      await once(exchanger, 'close');
    }
  });

  describe('within bounds', () => {
    it('keeps no more files than it may, and counts the others', async () => {
      await writeFiles(output, Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i % 3}/${i}`, 'x'])));
      const { files, leftOut } = await collect({ maxFiles: 10 });
      expect(Object.keys(files)).toHaveLength(10);
      expect(leftOut).toEqual({ '20 more files': 'no more than 10 are kept' });
    });

    it('keeps exactly as many files as it may', async () => {
      await writeFiles(output, { a: 'x', b: 'x' });
      expect(await collect({ maxFiles: 2 })).toEqual({ files: { a: 'x', b: 'x' }, leftOut: {} });
    });

    it('holds a hundred thousand empty files', async () => {
      for (let i = 0; i < 100_000; i++) closeSync(openSync(join(output, String(i)), 'w'));
      const { files, leftOut } = await collect();
      expect(Object.keys(files)).toHaveLength(1000);
      expect(leftOut).toEqual({ '99000 more files': 'no more than 1000 are kept' });
    });

    it('names twenty that are left out, and counts the others', async () => {
      for (let i = 0; i < 50; i++) await symlink('/etc/shadow', join(output, `link-${i}`));
      const told: LeftOut[] = [];
      await collected((leftOut) =>
        collectFolder(output, BOUNDS, (what) => {
          told.push(what);
          leftOut(what);
        }),
      );
      expect(told).toHaveLength(21);
      expect(told.at(-1)).toEqual({ name: '30 more', reason: 'for reasons like those above' });
    });

    it('counts a sparse file with the size that it claims', async () => {
      await writeFiles(output, { sparse: '', small: 'x' });
      await truncate(join(output, 'sparse'), TIB);
      expect(await collect({ maxBytes: 1000 })).toEqual({
        files: { small: 'x' },
        leftOut: { sparse: 'would make more than 1000 bytes in all' },
      });
    });

    it('counts bytes over all files, to the last one', async () => {
      await writeFiles(output, { a: '12345', 'folder/b': '12345' });
      expect(Object.keys((await collect({ maxBytes: 10 })).files)).toHaveLength(2);
      expect(Object.keys((await collect({ maxBytes: 9 })).files)).toHaveLength(1);
    });

    it('goes no deeper than it may', async () => {
      await writeFiles(output, { a: 'x', '1/b': 'x', '1/2/c': 'x', '1/2/3/d': 'x' });
      expect(await collect({ maxDepth: 2 })).toEqual({
        files: { a: 'x', '1/b': 'x', '1/2/c': 'x' },
        leftOut: { '1/2/3': 'lies more than 2 folders deep' },
      });
    });

    it('copes with a tree of two thousand folders inside one another', async () => {
      await rename(await deepTree(home, 2000, 'd'), join(output, 'deep'));
      await writeFiles(output, { a: 'x' });
      const deepest = ['deep', ...Array.from({ length: 32 }, () => 'd')].join('/');
      expect(await collect()).toEqual({ files: { a: 'x' }, leftOut: { [deepest]: 'lies more than 32 folders deep' } });
    });

    it('stops when the time is over, and says so', async () => {
      await writeFiles(output, { a: 'x', b: 'x' });
      expect(await collect({ maxMs: 0 })).toEqual({ files: {}, leftOut: { 'everything else': 'collecting took longer than 0 ms' } });
    });
  });

  describe('closes what it opened', () => {
    const files = { 'a/b/c': 'x', 'a/b/d': 'x', 'a/e': 'x', f: 'x' };

    it('when it is read to its end', async () => {
      await writeFiles(output, files);
      await collect();
      expect(await openBelowHome()).toEqual([]);
    });

    it('when the reader has had enough', async () => {
      await writeFiles(output, files);
      for await (const file of collectFolder(output, BOUNDS, () => undefined)) {
        if (!file.name.startsWith('a/b/')) continue;
        expect((await openBelowHome()).length).toBeGreaterThan(3);
        break;
      }
      expect(await openBelowHome()).toEqual([]);
    });

    it('when the reader fails', async () => {
      await writeFiles(output, files);
      const failing = async (): Promise<void> => {
        for await (const file of collectFolder(output, BOUNDS, () => undefined)) {
          if (file.name.startsWith('a/b/')) throw new Error('no room');
        }
      };
      await expect(failing()).rejects.toThrow('no room');
      expect(await openBelowHome()).toEqual([]);
    });

    it('when the time is over', async () => {
      await writeFiles(output, files);
      await collect({ maxMs: 0 });
      expect(await openBelowHome()).toEqual([]);
    });

    it('while a file is still being read, which then fails', async () => {
      await writeFiles(output, { large: 'x'.repeat(2_000_000) });
      const collecting = collectFolder(output, BOUNDS, () => undefined);
      const { value: file } = await collecting.next();
      const parts = file?.open()[Symbol.asyncIterator]();
      await parts?.next();
      await collecting.return(undefined);
      const reading = async (): Promise<void> => {
        while ((await parts?.next())?.done === false);
      };
      await expect(reading()).rejects.toMatchObject({ code: 'EBADF' });
      expect(await openBelowHome()).toEqual([]);
    });
  });
});
