import { createHash } from 'node:crypto';
import { chmodSync, closeSync, constants, fchmodSync, lstatSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
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

/**
 * Content up to this size is written in one go when all of it is there. On the way through the thread pool each of the four calls
 * would wait longer than it works.
 */
const SMALL_BYTES = 64 * 1024;

/** Makes the folders on the way to a file, with our mode whatever the umask. EEXIST when one of them is a file. */
export function makeFolders(root: string, segments: readonly string[]): void {
  let folder = root;
  for (const segment of segments) {
    folder = join(folder, segment);
    try {
      mkdirSync(folder);
      chmodSync(folder, FOLDER_MODE);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || !lstatSync(folder).isDirectory()) throw error;
    }
  }
}

const NEW = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

function writeSmall(path: string, parts: readonly Uint8Array[]): void {
  const fd = openSync(path, NEW, FILE_MODE);
  try {
    fchmodSync(fd, FILE_MODE);
    for (const part of parts) for (let at = 0; at < part.length;) at += writeSync(fd, part, at);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a new file, with our mode whatever the umask, and counts and hashes what is really there. EEXIST when something
 * bears the name already; when the content fails in the middle, nothing of it is left.
 */
export async function writeNew(path: string, content: AsyncIterable<Uint8Array>): Promise<Written> {
  const hash = createHash('sha256');
  let size = 0;
  const small: Uint8Array[] = [];
  let handle: FileHandle | undefined;
  try {
    for await (const part of content) {
      hash.update(part);
      size += part.length;
      if (size <= SMALL_BYTES) small.push(part);
      else {
        if (handle === undefined) {
          handle = await open(path, NEW, FILE_MODE);
          await handle.chmod(FILE_MODE);
          for (const earlier of small) await handle.writeFile(earlier);
        }
        await handle.writeFile(part);
      }
    }
  } catch (error) {
    if (handle !== undefined) await rm(path, { force: true });
    throw error;
  } finally {
    await handle?.close();
  }
  if (handle === undefined) writeSmall(path, small);
  return { size, sha256: hash.digest('hex') };
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
