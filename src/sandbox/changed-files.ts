import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputFile } from '../artifacts/artifacts.ts';
import { errnoOf } from '../errors.ts';
import { collectFolder } from './collect.ts';
import type { CollectBounds, LeftOut } from './sandbox.ts';

const PART_BYTES = 256 * 1024;

/**
 * Files of a program's writable copy of its code that are not in the upload, or not the same there. Bytecode caches are
 * no results. `original` is ours and trusted, `copy` as hostile as any output.
 */
export function changedFiles(
  original: string,
  copy: string,
  bounds: CollectBounds,
  leftOut: (what: LeftOut) => void,
): AsyncGenerator<OutputFile> {
  return collectFolder(copy, bounds, leftOut, {
    wanted: async (name, handle, size) => !(await isSame(join(original, name), handle, size)),
    skipFolder: (name) => name === '__pycache__',
  });
}

async function isSame(path: string, copy: FileHandle, size: number): Promise<boolean> {
  const original = await openOriginal(path);
  if (original === undefined) return false;
  try {
    const stats = await original.stat();
    // The program may have put a file where it was sent a folder.
    return stats.isFile() && stats.size === size && (await sameContent(original, copy, size));
  } finally {
    await original.close();
  }
}

/** Undefined when nothing of that name was sent. */
async function openOriginal(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function sameContent(a: FileHandle, b: FileHandle, size: number): Promise<boolean> {
  const left = Buffer.allocUnsafe(PART_BYTES);
  const right = Buffer.allocUnsafe(PART_BYTES);
  for (let at = 0; at < size;) {
    const [{ bytesRead }, other] = await Promise.all([a.read(left, 0, PART_BYTES, at), b.read(right, 0, PART_BYTES, at)]);
    if (bytesRead === 0 || bytesRead !== other.bytesRead || !left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false;
    at += bytesRead;
  }
  return true;
}
