import { randomUUID } from 'node:crypto';
import { chmod, lstat, opendir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';

/**
 * Removes a tree that nobody writes to any more, whatever a hostile program made of it: folders without permissions,
 * names of any bytes, paths longer than the system takes. No link is followed. What is not there is no error.
 */
export async function removeTree(root: string): Promise<void> {
  try {
    await rm(root, { recursive: true, force: true });
  } catch {
    await removeFlattened(root);
  }
}

/** Moves each folder up to the root before it looks into it, so that no path grows longer than by two names. */
async function removeFlattened(root: string): Promise<void> {
  const found = await lstat(root).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
  if (found === undefined) return;
  if (!found.isDirectory()) return unlink(root);

  await chmod(root, 0o700);
  const moved = `${randomUUID()}-`;
  const toEmpty: string[] = [root];
  let serial = 0;
  for (let folder = toEmpty.pop(); folder !== undefined; folder = toEmpty.pop()) {
    const prefix = Buffer.from(`${folder}/`);
    // Names as bytes: those that are not UTF-8 would be lost in a string.
    for await (const entry of await opendir(folder, { encoding: 'buffer' as BufferEncoding })) {
      const name = entry.name as unknown as Buffer;
      const path = Buffer.concat([prefix, name]);
      if (!entry.isDirectory()) await unlink(path);
      else if (!name.includes(moved)) {
        // Moving a folder changes its `..`, for which it must be writable.
        await chmod(path, 0o700);
        const next = `${root}/${moved}${++serial}`;
        await rename(path, next);
        toEmpty.push(next);
      }
    }
    if (folder !== root) await rmdir(folder);
  }
  await rmdir(root);
}
