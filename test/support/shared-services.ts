import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { errnoOf } from '../../src/errors.ts';

/** Starts a process that lives until the run ends, and not only as long as the test file that starts it. What it says goes to a file. */
export async function startShared(dir: string, name: string, program: string, args: readonly string[]): Promise<void> {
  const output = openSync(join(dir, `${name}.output`), 'a');
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output], cwd: dir });
  closeSync(output);
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  await writeFile(join(dir, `${name}.own-pid`), String(child.pid));
  child.unref();
}

/** Where a shared service has its files. */
export const sharedFolder = (name: string): string => join(inject('sharedServices'), name);

/**
 * A service that takes long to start: the first test file that needs it starts it, in a folder of its own, and the others share it. `start`
 * resolves with what they need to know, as JSON.
 */
export async function sharedService<T>(name: string, start: (dir: string) => Promise<T>): Promise<T> {
  const dir = sharedFolder(name);
  const result = join(dir, 'started.json');
  const isFirst = await mkdir(dir).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
      return false;
    },
  );
  if (!isFirst) {
    while (!existsSync(result)) await delay(100);
    const { value, failure } = JSON.parse(await readFile(result, 'utf8')) as { value: T; failure?: string };
    if (failure !== undefined) throw new Error(`${name} could not be started: ${failure}`);
    return value;
  }
  const tell = async (what: object): Promise<void> => {
    await writeFile(`${result}.new`, JSON.stringify(what));
    await rename(`${result}.new`, result);
  };
  try {
    const value = await start(dir);
    await tell({ value });
    return value;
  } catch (error) {
    await tell({ failure: String(error) });
    throw error;
  }
}
