import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { installedPackages, mainPackages } from './packages.ts';

let prefix: string;
beforeEach(async () => {
  prefix = await mkdtemp(join(tmpdir(), 'job-runner-packages-'));
});
afterEach(() => rm(prefix, { recursive: true, force: true }));

const sitePackages = (folder: string): string => join(folder, 'lib/python3.12/site-packages');
const interpreter = (): { executable: string; prefix: string; series: string } => ({
  executable: `${prefix}/bin/python3.12`,
  prefix,
  series: '3.12',
});

it('reads names and versions off the metadata’s folders, in each of their spellings', async () => {
  for (const name of [
    'numpy-2.4.6.dist-info',
    'Scikit_Learn-1.8.0.dist-info',
    'ruamel.yaml-0.18.dist-info',
    'lxml-4.9.2-py3.11.egg-info',
    'numpy',
    'numpy.libs',
    '__pycache__',
  ]) {
    await mkdir(join(sitePackages(prefix), name), { recursive: true });
  }
  await writeFile(join(sitePackages(prefix), 'blinker-1.5.egg-info'), 'Debian has some as files');
  expect(Object.fromEntries(await installedPackages(interpreter()))).toEqual({
    numpy: '2.4.6',
    'scikit-learn': '1.8.0',
    'ruamel-yaml': '0.18',
    lxml: '4.9.2',
    blinker: '1.5',
  });
});

it('counts only the environment’s packages where there is one, as its jobs see no others', async () => {
  const venv = join(prefix, 'environment');
  await mkdir(join(sitePackages(prefix), 'scipy-1.0.dist-info'), { recursive: true });
  await mkdir(join(sitePackages(venv), 'pandas-3.1.1.dist-info'), { recursive: true });
  expect([...(await installedPackages({ ...interpreter(), venv })).keys()]).toEqual(['pandas']);
});

it('finds none where there is no folder for them', async () => {
  expect(await installedPackages(interpreter())).toEqual(new Map());
});

it('tells of the main ones only, in order', () => {
  const packages = new Map([
    ['pandas', '3.1.1'],
    ['six', '1.17.0'],
    ['numpy', '2.4.6'],
  ]);
  expect(Object.entries(mainPackages(packages))).toEqual([
    ['numpy', '2.4.6'],
    ['pandas', '3.1.1'],
  ]);
});
