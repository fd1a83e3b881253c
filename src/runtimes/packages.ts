import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Interpreter } from './runtime.ts';

/** Packages that people ask for by name; the others are there, but not listed. */
const MAIN = new Set([
  'numpy',
  'pandas',
  'matplotlib',
  'scipy',
  'scikit-learn',
  'pyarrow',
  'polars',
  'pillow',
  'requests',
  'seaborn',
  'sympy',
  'openpyxl',
  'plotly',
  'torch',
  'tensorflow',
]);

/** PEP 503. */
const normalized = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

/** Where an interpreter finds installed packages: its environment, or its own place and, in a Debian, the system's. */
function packageFolders({ prefix, venv, series }: Interpreter): string[] {
  if (venv !== undefined) return [join(venv, 'lib', `python${series}`, 'site-packages')];
  const own = join(prefix, 'lib', `python${series}`, 'site-packages');
  return prefix === '/usr' ? [own, '/usr/lib/python3/dist-packages'] : [own];
}

/** Main packages and their versions, read from the names of their metadata folders (PEP 376): nothing is run. */
export async function installedPackages(interpreter: Interpreter): Promise<Record<string, string>> {
  const packages: Record<string, string> = {};
  for (const folder of packageFolders(interpreter)) {
    for (const entry of await readdir(folder).catch(() => [])) {
      const match = /^(.+?)-([^-]+)(?:-.*)?\.(?:dist|egg)-info$/.exec(entry);
      const name = normalized(match?.[1] ?? '');
      if (MAIN.has(name) && match?.[2] !== undefined) packages[name] ??= match[2];
    }
  }
  return packages;
}
