import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakePython } from '../../test/support/fake-python.ts';
import { systemPython } from '../../test/support/system-python.ts';
import { tinyWheel } from '../../test/support/tiny-wheel.ts';
import type { HostInterpreter, Runtime, Runtimes } from './runtime.ts';
import { createRuntimes, type RuntimesOptions } from './runtimes.ts';

let home: string;
let log: string[];
let started: Runtimes[];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'job-runner-runtimes-')));
  log = [];
  started = [];
  await requirements('tiny==1.0\n');
});
afterEach(async () => {
  for (const runtimes of started) await runtimes.close();
  await rm(home, { recursive: true, force: true });
});

async function requirements(text: string): Promise<void> {
  await mkdir(join(home, 'requirements'), { recursive: true });
  await writeFile(join(home, 'requirements/requirements.txt'), text);
  await writeFile(join(home, 'requirements/constraints.txt'), '# nothing\n');
}

async function start(options: Partial<RuntimesOptions>): Promise<Runtimes> {
  const runtimes = await createRuntimes({
    dir: join(home, 'environments'),
    defaultRuntime: undefined,
    aliases: {},
    packages: 'prepare',
    searchPath: [join(home, 'python')],
    environment: {},
    log: (line) => log.push(line),
    requirementsDir: join(home, 'requirements'),
    ...options,
  });
  started.push(runtimes);
  return runtimes;
}

const changed = (runtimes: Runtimes): Promise<void> => new Promise((resolve) => runtimes.onChange(resolve));
const main = (runtimes: Runtimes): Runtime | undefined => runtimes.get(runtimes.defaultName);

/** An interpreter whose `-m venv` does what these shell lines say; `$4` is the folder to make. It has a pip to be found. */
async function pythonWhoseVenv(does: string): Promise<void> {
  const prefix = join(home, 'python');
  const bundled = join(prefix, 'lib/python3.12/ensurepip/_bundled');
  await mkdir(bundled, { recursive: true });
  await writeFile(join(bundled, 'pip-1.0-py3-none-any.whl'), '');
  // Called as: -I -m venv --without-pip <folder>.
  await fakePython(prefix, { version: '3.12.1', first: `if [ "$3" = venv ]; then shift; ${does}; fi` });
}

describe('preparing the default runtime', () => {
  const withPackages = (): Partial<RuntimesOptions> => ({
    searchPath: ['/usr/bin'],
    // Against a setting that would have every job compile them again.
    environment: { PIP_NO_COMPILE: '0', PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(home, 'index') },
  });

  it('installs what is required, and is not ready before', async () => {
    await tinyWheel(join(home, 'index'));
    const umask = process.umask(0o077);
    const runtimes = await start(withPackages());
    expect(main(runtimes)).toMatchObject({ state: 'preparing', detail: 'installing tiny; jobs wait for that' });
    await changed(runtimes);
    process.umask(umask);

    const { interpreter: found, ...ready } = main(runtimes) ?? {};
    const interpreter = found as HostInterpreter | undefined;
    expect(log.at(-1)).toMatch(/: tiny 1\.0 installed in \d+ s$/);
    expect(ready).toMatchObject({ state: 'ready' });
    expect(ready).not.toHaveProperty('detail');
    const { stdout } = await promisify(execFile)(join(interpreter?.venv ?? '', 'bin/python'), ['-c', 'import tiny; print(tiny.answer)']);
    expect(stdout).toBe('42\n');
    // Jobs are other users and see it read-only: readable for all, and compiled already.
    const installed = join(interpreter?.venv ?? '', 'lib', `python${interpreter?.series}`, 'site-packages');
    expect((await stat(join(installed, 'tiny.py'))).mode & 0o004).toBe(0o004);
    expect(await readdir(join(installed, '__pycache__'))).toContainEqual(expect.stringMatching(/^tiny\..*\.pyc$/));
  });

  it('is ready at once at the next start', async () => {
    await tinyWheel(join(home, 'index'));
    const first = await start(withPackages());
    await changed(first);
    log = [];
    const second = await start(withPackages());
    expect(main(second)).toEqual(main(first));
    expect(log).toEqual([]);
  });

  it('starts anew when the requirements have changed', async () => {
    await tinyWheel(join(home, 'index'));
    await changed(await start(withPackages()));
    await requirements('tiny==1.0\n# another line\n');
    const later = await start(withPackages());
    expect(main(later)?.state).toBe('preparing');
    await changed(later);
    expect(await readdir(join(home, 'environments'))).toHaveLength(2);
  });

  it('has matplotlib search the fonts ahead of time, without the home of the service’s user', async () => {
    // Instead of pip and matplotlib: a program that leaves what they would.
    const program = `mkdir -p "$4/bin" "$4/lib/python3.12/site-packages/tiny-1.0.dist-info"; printf '%s\\n' '#!/bin/sh' 'case "$2" in *font_manager) echo "$HOME" > "$MPLCONFIGDIR/fontlist-v3.11.0.json";; esac' > "$4/bin/python"; chmod 755 "$4/bin/python"; exit 0`;
    await pythonWhoseVenv(program);
    const runtimes = await start({ environment: { HOME: home } });
    await changed(runtimes);
    const { venv = '', fontList } = (main(runtimes)?.interpreter ?? {}) as HostInterpreter;
    expect(fontList).toBe('fontlist-v3.11.0.json');
    expect(await readFile(join(venv, 'lib/fontlist-v3.11.0.json'), 'utf8')).toBe('/nonexistent\n');
  });

  it('has nothing to do where the interpreter has all of it', async () => {
    await fakePython(join(home, 'python'), { version: '3.12.1', packages: ['Tiny-0.9', 'numpy-2.4.6'] });
    const runtimes = await start({});
    expect(main(runtimes)).toMatchObject({ state: 'ready', packages: { numpy: '2.4.6' } });
    expect(log).toEqual([]);
  });

  it('leaves the interpreter as it is when that is asked for', async () => {
    await fakePython(join(home, 'python'), { version: '3.12.1' });
    const runtimes = await start({ packages: 'off' });
    expect(main(runtimes)).toMatchObject({ state: 'ready' });
    expect(main(runtimes)).not.toHaveProperty('detail');
    expect(log).toEqual([]);
  });
});

describe('when preparing fails', () => {
  it('is ready all the same, and says what is missing, why, and what mends it', async () => {
    await pythonWhoseVenv('echo "Error: no ensurepip" >&2; exit 1');
    const runtimes = await start({});
    await changed(runtimes);
    expect(main(runtimes)).toMatchObject({
      state: 'ready',
      detail:
        "without tiny: python3.12 can't make a virtual environment: Error: no ensurepip; to mend it, sudo apt-get install -y --no-install-recommends python3-venv, and start again",
    });
    expect(await readdir(join(home, 'environments'))).toEqual([]);
  });

  it('says so when the folder can’t be written', async () => {
    await pythonWhoseVenv('exit 0');
    await writeFile(join(home, 'environments'), 'a file is in the way');
    const runtimes = await start({});
    await changed(runtimes);
    expect(main(runtimes)?.detail).toContain("environments can't be written to (EEXIST)");
  });

  it('leaves nothing behind when the service stops meanwhile', async () => {
    const fifo = join(home, 'fifo');
    await promisify(execFile)('mkfifo', [fifo]);
    await pythonWhoseVenv(`mkdir "$4"; echo $$ > ${fifo}; kill -STOP $$`);
    const runtimes = await start({});
    const pid = (await readFile(fifo, 'utf8')).trim();
    await runtimes.close();
    expect(main(runtimes)?.state).toBe('preparing');
    expect(await readdir(join(home, 'environments'))).toEqual([]);
    await expect(readFile(`/proc/${pid}/stat`)).rejects.toThrow('ENOENT');
  });

  it('removes what a killed service left, and nothing that another one may be at', async () => {
    const environments = join(home, 'environments');
    const longAgo = new Date(Date.now() - 24 * 3_600_000);
    for (const name of ['.preparing-killed', '.preparing-living', 'python3.11.0-made-before'])
      await mkdir(join(environments, name), { recursive: true });
    for (const name of ['.preparing-killed', 'python3.11.0-made-before']) await utimes(join(environments, name), longAgo, longAgo);
    await pythonWhoseVenv('exit 1');
    await changed(await start({}));
    expect((await readdir(environments)).toSorted()).toEqual(['.preparing-living', 'python3.11.0-made-before']);
  });
});

it('hands programs what they need to reach an index, and nothing else of the service’s environment', async () => {
  await pythonWhoseVenv(`env > ${home}/seen; exit 1`);
  const environment = {
    SECRET_TOKEN: 'x',
    HTTPS_PROXY: 'http://proxy:1',
    PIP_INDEX_URL: 'http://index:2',
    PIP_TARGET: '/elsewhere',
    PYTHONPATH: '/evil',
  };
  await changed(await start({ environment }));
  const seen = (await readFile(join(home, 'seen'), 'utf8')).split('\n');
  expect(seen).toEqual(expect.arrayContaining(['HTTPS_PROXY=http://proxy:1', 'PIP_INDEX_URL=http://index:2']));
  expect(seen.join('\n')).not.toMatch(/SECRET_TOKEN|PIP_TARGET|PYTHONPATH/);
});

describe('what can run here', () => {
  beforeEach(async () => {
    for (const version of ['3.11.4', '3.12.1', '3.13.2']) await fakePython(join(home, version), { version });
  });
  const all = (): Partial<RuntimesOptions> => ({
    packages: 'off',
    searchPath: ['3.11.4', '3.12.1', '3.13.2'].map((name) => join(home, name)),
  });

  it('is listed with the default first, then the newest', async () => {
    const runtimes = await start(all());
    expect(runtimes.list().map(({ name, version }) => `${name} ${version}`)).toEqual([
      'python3.12 3.12.1',
      'python3.13 3.13.2',
      'python3.11 3.11.4',
    ]);
  });

  it('is found under its name and under its aliases, which go first', async () => {
    const runtimes = await start({ ...all(), aliases: { python: 'python3.13', 'python3.12': 'python3.11' } });
    expect(runtimes.resolve('python')?.name).toBe('python3.13');
    expect(runtimes.resolve('python3.12')?.name).toBe('python3.11');
    expect(runtimes.get('python3.12')?.name).toBe('python3.12');
    expect(runtimes.resolve('ruby')).toBeUndefined();
  });

  it('does not wait for the default one’s packages where it is another', async () => {
    const runtimes = await start({ ...all(), packages: 'prepare' });
    expect(runtimes.list().map(({ state }) => state)).toEqual(['preparing', 'ready', 'ready']);
  });

  it('is told of no more once one has stopped listening', async () => {
    await pythonWhoseVenv('exit 1');
    const runtimes = await start({});
    let calls = 0;
    runtimes.onChange(() => calls++)();
    await changed(runtimes);
    expect(calls).toBe(0);
  });
});

it('runs on this machine’s own interpreters', async () => {
  const runtimes = await start({ packages: 'off', searchPath: undefined });
  expect(runtimes.get(`python${(await systemPython()).series}`)).toMatchObject({ state: 'ready' });
});
