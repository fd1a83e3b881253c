import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DEBIAN_PACKAGES, isDebianPython } from './debian.ts';
import type { HostInterpreter } from './runtime.ts';

/** What people ask for when they ask what is installed; everything else would drown it. */
const MAIN_PACKAGES: ReadonlySet<string> = new Set([
  ...['numpy', 'pandas', 'matplotlib', 'scipy', 'scikit-learn', 'statsmodels', 'sympy', 'networkx', 'polars', 'pyarrow', 'duckdb'],
  ...['torch', 'tensorflow', 'jax', 'xgboost', 'lightgbm', 'transformers', 'seaborn', 'plotly', 'bokeh', 'altair'],
  ...['pillow', 'opencv-python', 'opencv-python-headless', 'scikit-image', 'requests', 'httpx', 'aiohttp', 'beautifulsoup4', 'lxml'],
  ...['pyyaml', 'pydantic', 'sqlalchemy', 'openpyxl', 'jinja2', 'tqdm', 'click', 'rich', 'cryptography', 'numba', 'cython', 'pytest'],
]);

/** One name for one package, however it is spelt (PEP 503). */
export const normalizedName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-');

/** `numpy-2.4.6.dist-info`; Debian's older packages have `numpy-1.24.2-py3.11.egg-info`. */
const METADATA = /^(?<name>[^-]+)-(?<version>[^-]+)(-py3[^-]*)?\.(dist|egg)-info$/;

/** Folders that jobs of an interpreter import packages from. /usr/local is not shown to jobs of the system's Python. */
async function packageFolders(interpreter: HostInterpreter): Promise<string[]> {
  const { prefix, venv, series } = interpreter;
  const own = join(venv ?? prefix, 'lib', `python${series}`, 'site-packages');
  return venv === undefined && (await isDebianPython(interpreter)) ? [DEBIAN_PACKAGES, own] : [own];
}

/** All installed packages by normalized name, as their metadata's folders say. The interpreter is not asked: that would take longer. */
export async function installedPackages(interpreter: HostInterpreter): Promise<Map<string, string>> {
  const folders = await packageFolders(interpreter);
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const packages = new Map<string, string>();
  for (const entry of names.flat()) {
    const { name, version } = METADATA.exec(entry)?.groups ?? {};
    if (name !== undefined && version !== undefined) packages.set(normalizedName(name), version);
  }
  return packages;
}

/** Those of them that are worth telling, in the order of the alphabet. */
export const mainPackages = (packages: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries([...packages].filter(([name]) => MAIN_PACKAGES.has(name)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
