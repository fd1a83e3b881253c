import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputFile } from '../artifacts/artifacts.ts';
import { collectFolder } from './collect.ts';
import type { CollectBounds, LeftOut } from './sandbox.ts';

const PART_BYTES = 256 * 1024;

async function sameContent(a: FileHandle, b: FileHandle, size: number): Promise<boolean> {
  const left = Buffer.allocUnsafe(PART_BYTES);
  const right = Buffer.allocUnsafe(PART_BYTES);
  for (let at = 0; at < size;) {
    const { bytesRead } = await a.read(left, 0, PART_BYTES, at);
    const other = await b.read(right, 0, PART_BYTES, at);
    if (bytesRead === 0 || bytesRead !== other.bytesRead || !left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false;
    at += bytesRead;
  }
  return true;
}

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
  const differs = async (name: string, handle: FileHandle, size: number): Promise<boolean> => {
    const before = await open(join(original, name), constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
    if (before === undefined) return true;
    try {
      return (await before.stat()).size !== size || !(await sameContent(before, handle, size));
    } finally {
      await before.close();
    }
  };
  return collectFolder(copy, bounds, leftOut, differs, (name) => name === '__pycache__');
}
