import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

/** A CPython on this machine. */
export interface Found {
  executable: string;
  prefix: string;
  /** `3.12.1`. */
  version: string;
  /** `3.12`. */
  series: string;
}

const OLDEST_MINOR = 9;
const PROBE_MS = 10_000;
const PROBE = `import json, platform, sys
print(json.dumps([platform.python_implementation(), list(sys.version_info[:3]), sys.base_prefix, sys.version_info[3]]))`;
const answer = z.tuple([z.literal('CPython'), z.tuple([z.literal(3), z.int().min(OLDEST_MINOR), z.int()]), z.string(), z.literal('final')]);

/** Folders that may hold interpreters; `*` stands for any one folder. */
export function searchPath(home: string | undefined, pyenvRoot: string | undefined): string[] {
  const ofUser =
    home === undefined ? [] : [join(home, '.pyenv/versions/*/bin'), join(home, '.local/share/uv/python/*/bin'), join(home, '.local/bin')];
  const pyenv = pyenvRoot === undefined ? [] : [join(pyenvRoot, 'versions/*/bin')];
  return ['/usr/bin', '/usr/local/bin', '/opt/python/*/bin', ...pyenv, ...ofUser];
}

async function expand(pattern: string): Promise<string[]> {
  const [before, after] = pattern.split('*');
  if (before === undefined || after === undefined) return [pattern];
  const names = await readdir(before).catch(() => []);
  return names.map((name) => `${before}${name}${after}`);
}

async function probe(executable: string): Promise<Found | undefined> {
  try {
    // Isolated, without site: nothing of what somebody installed can print or hang here.
    const { stdout } = await promisify(execFile)(executable, ['-I', '-S', '-c', PROBE], {
      timeout: PROBE_MS,
      killSignal: 'SIGKILL',
      env: {},
      cwd: '/',
    });
    const [, [major, minor, patch], prefix] = answer.parse(JSON.parse(stdout));
    return { executable, prefix: await realpath(prefix), version: `${major}.${minor}.${patch}`, series: `${major}.${minor}` };
  } catch {
    // Too old, not CPython, a pre-release, broken, or hanging: none of these can run jobs.
    return undefined;
  }
}

const numbers = (version: string): number[] => version.split('.').map(Number);

/** Newest version first. */
export function byVersion(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (right[i] ?? 0) - (left[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The interpreters below `folders`, one for each series (3.12, 3.11 …), newest series first. Of several in one series the
 * highest patch is taken, and of equals the one that the distribution looks after.
 */
export async function discoverInterpreters(folders: readonly string[]): Promise<Found[]> {
  const paths = new Set<string>();
  for (const folder of (await Promise.all(folders.map(expand))).flat()) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((each) => /^python3(\.\d+)?$/.test(each))) {
      const path = await realpath(join(folder, name)).catch(() => undefined);
      // Shims are scripts that choose an interpreter anew each time.
      if (path !== undefined && basename(path).startsWith('python3')) paths.add(path);
    }
  }
  const found = (await Promise.all([...paths].map(probe))).filter((each) => each !== undefined);
  found.sort((a, b) => byVersion(a.version, b.version) || Number(b.prefix === '/usr') - Number(a.prefix === '/usr'));
  return found.filter((each, index) => found.findIndex((other) => other.series === each.series) === index);
}
