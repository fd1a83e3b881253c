import { chown, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { StartError } from '../errors.ts';
import { readKeyFile, type KeyFile } from './key-file.ts';
import { hashOf, idOf, newSecret } from './secret.ts';

/** Changes to the file of keys, one at a time, each of which is there as a whole or not at all. */

const LOCK_WAIT_MS = 50;
const LOCK_TRIES = 100;

/** The lock is the system's own, by way of an empty database beside the file: it ends with its holder, however that ends. */
async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  let lock: DatabaseSync;
  try {
    lock = new DatabaseSync(`${path}.lock`);
  } catch (error) {
    throw new StartError(`${path}.lock can't be made.`, `let this user write to ${dirname(path)}`, error);
  }
  try {
    for (let tries = 1; !isTaken(lock); tries += 1) {
      if (tries >= LOCK_TRIES)
        throw new StartError(`Another command has been changing ${path} for seconds.`, 'see that it ends, and try again');
      await delay(LOCK_WAIT_MS);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function isTaken(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch {
    return false;
  }
}

/** The new file takes the old one's place when it is on the disk. It stays its owner's: a service that reads it may not be root. */
async function replace(path: string, file: KeyFile): Promise<void> {
  const partial = `${path}.${process.pid}.part`;
  const before = await stat(path).catch(() => undefined);
  try {
    const handle = await open(partial, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (before !== undefined && process.getuid?.() === 0) await chown(partial, before.uid, before.gid);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function change<T>(path: string, edit: (file: KeyFile) => T): Promise<T> {
  return locked(path, async () => {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    const file = isThere ? await readKeyFile(path) : {};
    const result = edit(file);
    await replace(path, file);
    return result;
  });
}

/** Makes a key, one more for an owner who has some. The key itself is in the answer and nowhere else. */
export async function createKey(
  path: string,
  name: string,
  limits: NonNullable<KeyFile[string]['limits']>,
): Promise<{ id: string; secret: string }> {
  const secret = newSecret();
  const sha256 = hashOf(secret);
  await change(path, (file) => {
    const owner = (file[name] ??= { keys: [] });
    owner.keys.push({ sha256, created_at: new Date().toISOString() });
    if (Object.keys(limits).length > 0) owner.limits = { ...owner.limits, ...limits };
  });
  return { id: idOf(sha256), secret };
}

/** Takes away a key by its id, or all keys of an owner by the name; limits stay for the owner's next. Returns the ids of those taken away. */
export const revokeKeys = (path: string, which: string): Promise<string[]> =>
  change(path, (file) => {
    const revoked: string[] = [];
    for (const [name, owner] of Object.entries(file)) {
      const [gone, kept] = [[], []] as [typeof owner.keys, typeof owner.keys];
      for (const key of owner.keys) (name === which || idOf(key.sha256) === which ? gone : kept).push(key);
      owner.keys = kept;
      if (kept.length === 0 && owner.limits === undefined) delete file[name];
      revoked.push(...gone.map(({ sha256 }) => idOf(sha256)));
    }
    return revoked;
  });
