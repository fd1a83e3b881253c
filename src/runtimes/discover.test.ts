import { mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakePython, type FakePython } from '../../test/support/fake-python.ts';
import { systemPython } from '../../test/support/system-python.ts';
import { discover } from './discover.ts';
import { probe } from './probe.ts';

let home: string;
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'job-runner-discover-')));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const fake = (name: string, python: FakePython): Promise<string> => fakePython(join(home, name), python);
const found = async (...names: string[]): Promise<string[]> =>
  (
    await discover(
      names.map((name) => join(home, name)),
      {},
    )
  ).map(({ interpreter }) => interpreter.executable);

describe('finding interpreters', () => {
  it('finds the system’s own, with where it is installed', async () => {
    const system = await systemPython();
    const [first] = await discover(['/usr/bin'], {});
    expect(first).toMatchObject({ name: `python${system.series}`, interpreter: system });
    expect(first?.version.startsWith(`${system.series}.`)).toBe(true);
  });

  it('finds those of the PATH, of pyenv and of uv, newest first', async () => {
    await fake('on-path', { version: '3.97.1' });
    await fake('.pyenv/versions/3.98.1', { version: '3.98.1' });
    await fake('.local/share/uv/python/cpython-3.99.1', { version: '3.99.1' });
    const names = (await discover(undefined, { HOME: home, PATH: join(home, 'on-path/bin') })).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['python3.99', 'python3.98', 'python3.97']);
  });

  it('never runs a shim', async () => {
    const asked = join(home, 'asked');
    await fake('real', { version: '3.12.1' });
    await fakePython(join(home, 'other'), { version: '3.13.1', first: `echo asked >> ${asked}` });
    await symlink(join(home, 'other/bin'), join(home, 'shims'));
    expect(await found('real', 'shims')).toHaveLength(1);
    await expect(readFile(asked)).rejects.toThrow('ENOENT');
  });

  it('asks a program once, however many names it has', async () => {
    const asked = join(home, 'asked');
    const path = await fake('one', { version: '3.12.1', first: `echo asked >> ${asked}` });
    for (const name of ['python3', 'python3.13']) await symlink(path, join(home, 'one/bin', name));
    expect(await found('one')).toEqual([path]);
    expect(await readFile(asked, 'utf8')).toBe('asked\n');
  });

  it.each<[what: string, python: FakePython]>([
    ['too old', { version: '3.8.18' }],
    ['no CPython', { version: '3.11.1', implementation: 'pypy' }],
    ['a pre-release', { version: '3.15.0', releaseLevel: 'alpha' }],
    ['free-threaded', { version: '3.13.0', abiFlags: 't' }],
    ['broken', { version: '3.12.1', first: 'echo "cannot find encodings" >&2; exit 1' }],
    ['silent', { version: '3.12.1', first: 'exit 0' }],
  ])('passes over one that is %s', async (_what, python) => {
    await fake('bad', python);
    const good = await fake('good', { version: '3.10.1' });
    expect(await found('bad', 'good')).toEqual([good]);
  });

  it('passes over files that are no programs, and folders that are not there', async () => {
    await fake('place', { version: '3.12.1' });
    await writeFile(join(home, 'place/bin/python3.10'), 'text');
    await symlink(join(home, 'nowhere'), join(home, 'place/bin/python3.11'));
    expect(await found('place', 'missing')).toEqual([join(home, 'place/bin/python3.12')]);
  });

  it('gives up on one that hangs, and ends what it started', async () => {
    const path = await fake('hanging', { version: '3.12.1', first: `sleep 300 & echo $! > ${home}/child; wait` });
    // Time enough to start; the same limit, only longer, holds at every service's start.
    expect(await probe(path, 1000)).toBeUndefined();
    const child = (await readFile(join(home, 'child'), 'utf8')).trim();
    // Dead, or dead and not reaped yet by whoever inherited it.
    const state = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => ') gone');
    expect(state.split(') ')[1]).toMatch(/^[ZX]|gone/);
  });
});

describe('several interpreters of one series', () => {
  it('takes the later patch', async () => {
    const later = await fake('b', { version: '3.12.10' });
    await fake('a', { version: '3.12.9', packages: ['pandas-3.1.1'] });
    await fake('c', { version: '3.12.2' });
    expect(await found('a', 'b', 'c')).toEqual([later]);
  });

  it('takes the one with pandas when they are the same version', async () => {
    await fake('a', { version: '3.12.1' });
    const withPandas = await fake('b', { version: '3.12.1', packages: ['pandas-3.1.1'] });
    await fake('c', { version: '3.12.1' });
    expect(await found('a', 'b', 'c')).toEqual([withPandas]);
  });

  it('takes the system’s when nothing else tells them apart', async () => {
    const system = (await discover(['/usr/bin'], {}))[0];
    const packages = system?.packages.has('pandas') === true ? ['pandas-1.0.0'] : [];
    await fake('twin', { version: system?.version ?? '', packages });
    const [taken] = await discover([join(home, 'twin'), '/usr/bin'], {});
    expect(taken?.interpreter.executable).toBe(system?.interpreter.executable);
  });
});
