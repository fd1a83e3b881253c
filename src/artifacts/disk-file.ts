import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';

/** What is inside a job's folder can be read by the user that the job runs as, who is not the service's. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;
const PART_BYTES = 256 * 1024;

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

export interface Written {
  size: number;
  sha256: string;
}

/** Makes the folders on the way to a file, with our mode whatever the umask. EEXIST when one of them is a file. */
export async function makeFolders(root: string, segments: readonly string[]): Promise<void> {
  let folder = root;
  for (const segment of segments) {
    folder = join(folder, segment);
    try {
      await mkdir(folder);
      await chmod(folder, FOLDER_MODE);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !(await lstat(folder)).isDirectory()) throw error;
    }
  }
}

/**
 * Writes a new file, with our mode whatever the umask, and counts and hashes what is really there. EEXIST when something
 * bears the name already; when the content fails in the middle, nothing of it is left.
 */
export async function writeNew(path: string, content: AsyncIterable<Uint8Array>): Promise<Written> {
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  try {
    await handle.chmod(FILE_MODE);
    const hash = createHash('sha256');
    let size = 0;
    for await (const part of content) {
      hash.update(part);
      size += part.length;
      await handle.writeFile(part);
    }
    return { size, sha256: hash.digest('hex') };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Bytes `start` to `end` of a file, both included. A file that has fewer is an error: its length has been promised to somebody. */
export async function* readParts(path: string, { start, end }: { start: number; end: number }): AsyncGenerator<Buffer> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    for (let at = start; at <= end;) {
      const part = Buffer.allocUnsafe(Math.min(PART_BYTES, end - at + 1));
      const { bytesRead } = await handle.read(part, 0, part.length, at);
      if (bytesRead === 0) throw new Error(`${path} is shorter than it was`);
      at += bytesRead;
      yield part.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
