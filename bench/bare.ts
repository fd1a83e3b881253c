import { spawn } from 'node:child_process';
import { readdir, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The same interpreter with the same packages, without any of us. */
export interface Bare {
  python: string;
  hasPandas: boolean;
  file: string;
}

const FOLDERS = ['/usr/bin', '/usr/local/bin', join(process.env['HOME'] ?? '/nowhere', '.pyenv/versions')];

/** Finds on this machine what the service's default runtime is; its packages are tried, not believed. */
export async function prepareBare(base: string): Promise<Bare> {
  const { runtimes } = (await (await fetch(`${base}/runtimes`)).json()) as {
    runtimes: { name: string; version: string; default: boolean; packages: Record<string, string> }[];
  };
  const main = runtimes.find((runtime) => runtime.default);
  if (main === undefined) throw new Error('the service has no default runtime');
  const python = await find(main.name, main.version);
  return { python, hasPandas: main.packages['pandas'] !== undefined, file: join(tmpdir(), `bench-${process.pid}.py`) };
}

async function find(name: string, version: string): Promise<string> {
  const environments = join(import.meta.dirname, '../data/runtimes');
  for (const folder of await readdir(environments).catch(() => [])) {
    if (folder.startsWith(name)) return join(environments, folder, 'bin', name);
  }
  for (const folder of [...FOLDERS, ...FOLDERS.map((each) => join(each, version, 'bin'))]) {
    const found = await realpath(join(folder, name)).catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new Error(`${name} ${version} is not on this machine: run the bench where the service runs`);
}

/** Times of so many runs, from the start of the process to its end, in milliseconds. */
export async function bareRuns(bare: Bare, program: string, count: number): Promise<number[]> {
  await writeFile(bare.file, program);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    await new Promise<void>((resolve, reject) => {
      const child = spawn(bare.python, [bare.file], { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.resume();
      child.once('error', reject);
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`the bare program ended with ${code}`))));
    });
    times.push(performance.now() - begun);
  }
  return times;
}
