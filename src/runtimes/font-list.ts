import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bareEnvironment } from './child-environment.ts';
import { runProgram } from './run-program.ts';

const FONT_LIST = /^fontlist-v[\w.]+\.json$/;
const TIMEOUT_MS = 2 * 60_000;

/** Where an environment keeps it: with what jobs are shown. */
const folderOf = (venv: string): string => join(venv, 'lib');

/** The font list of an environment, by its file's name; undefined where there is none. */
export async function findFontList(venv: string): Promise<string | undefined> {
  const names = await readdir(folderOf(venv)).catch(() => []);
  return names.find((name) => FONT_LIST.test(name));
}

/**
 * Has an environment's matplotlib search the machine's fonts ahead of time, or every job's first plot would. A comfort:
 * without matplotlib, or when it fails, nothing is made.
 */
export async function makeFontList(venv: string, signal: AbortSignal): Promise<void> {
  // No home: the fonts of the service's user are not shown to jobs.
  const env = { ...bareEnvironment(), MPLCONFIGDIR: folderOf(venv), HOME: '/nonexistent' };
  await runProgram(join(venv, 'bin', 'python'), ['-c', 'import matplotlib.font_manager'], { env, timeoutMs: TIMEOUT_MS, signal });
}
