import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Folders inside one another, deeper than any path can be long: built from the innermost outwards, for none of them could
 * be made at its place. Resolves with the outermost.
 */
export async function deepTree(parent: string, levels: number, name = 'n'.repeat(100)): Promise<string> {
  let outermost = join(parent, 'level-0');
  await mkdir(outermost);
  for (let level = 1; level < levels; level++) {
    const next = join(parent, `level-${level}`);
    await mkdir(next);
    await rename(outermost, join(next, name));
    outermost = next;
  }
  return outermost;
}
