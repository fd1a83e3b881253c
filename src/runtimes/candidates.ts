import { readdir, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, isAbsolute, join } from 'node:path';

const INTERPRETER = /^python3(\.\d+)?$/;
export const OLDEST_MINOR = 9;

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** `<folder>/<each>/bin`: how pyenv and uv keep their interpreters. */
const installations = async (folder: string): Promise<string[]> => (await namesIn(folder)).map((name) => join(folder, name, 'bin'));

/** Folders where interpreters usually are, the system's first. */
async function usualFolders(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const home = environment['HOME'] ?? homedir();
  const pyenv = environment['PYENV_ROOT'] ?? join(home, '.pyenv');
  const uv = environment['UV_PYTHON_INSTALL_DIR'] ?? join(environment['XDG_DATA_HOME'] ?? join(home, '.local/share'), 'uv/python');
  return [
    '/usr/bin',
    '/usr/local/bin',
    ...(environment['PATH'] ?? '').split(delimiter),
    ...(await installations(join(pyenv, 'versions'))),
    ...(await installations(uv)),
  ];
}

/** pyenv, asdf and mise put programs there that only look for an interpreter, each time anew. */
const isSearchable = (folder: string): boolean => isAbsolute(folder) && basename(folder) !== 'shims';

/** False only for names that say that it is too old. */
function mayBeNewEnough(path: string): boolean {
  const minor = /^python3\.(\d+)$/.exec(basename(path))?.[1];
  return minor === undefined || Number(minor) >= OLDEST_MINOR;
}

/** Files that may be Python interpreters, links resolved, each once. `searchPath` replaces the usual folders. */
export async function findCandidates(searchPath: readonly string[] | undefined, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const folders = searchPath?.flatMap((folder) => [folder, join(folder, 'bin')]) ?? (await usualFolders(environment));
  const found = await Promise.all(
    [...new Set(folders)].filter(isSearchable).map(async (folder) => {
      const names = (await namesIn(folder)).filter((name) => INTERPRETER.test(name));
      return Promise.all(names.map((name) => realpath(join(folder, name)).catch(() => undefined)));
    }),
  );
  return [...new Set(found.flat())].filter((path) => path !== undefined && mayBeNewEnough(path)) as string[];
}
