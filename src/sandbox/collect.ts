import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, opendir, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import type { OutputFile } from '../artifacts/artifacts.ts';
import { problemOfPath } from '../artifacts/path.ts';
import { errnoOf } from '../errors.ts';
import { printableName, problemOfName } from './file-name.ts';
import { createTeller } from './left-out.ts';
import type { CollectBounds, LeftOut } from './sandbox.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

const PART_BYTES = 256 * 1024;
/** Entries to ask the system for at once; there may be a million. */
const LISTING_ENTRIES = 256;

export interface CollectOptions {
  /** Whether a file is wanted. It is asked with the file open; what is not wanted counts for nothing. */
  wanted?: (name: string, handle: FileHandle, size: number) => Promise<boolean>;
  /** Folders, by their own names, that are passed over without a word. */
  skipFolder?: (name: string) => boolean;
}

class TimeIsUp extends Error {}

const kindOf = (stats: BigIntStats): string => {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
};

/** Node has no openat(2): this is the same, for nothing on the way to an open folder can be exchanged for a link. */
const child = (folder: FileHandle, name: Buffer): Buffer => Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), name]);

const openFolder = (parent: FileHandle, name: Buffer): Promise<FileHandle> =>
  open(child(parent, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

async function* entriesOf(folder: FileHandle): AsyncGenerator<{ name: Buffer; looksLikeFile: boolean }> {
  // Node's types know no listing of bytes; names that are not UTF-8 would be lost in strings.
  const encoding = 'buffer' as BufferEncoding;
  for await (const entry of await opendir(`/proc/self/fd/${folder.fd}`, { encoding, bufferSize: LISTING_ENTRIES })) {
    yield { name: entry.name as unknown as Buffer, looksLikeFile: entry.isFile() };
  }
}

/** The first `size` bytes of an open file, or as many as there are. */
export async function* partsOf(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const part = Buffer.allocUnsafe(Math.min(PART_BYTES, size - at));
    const { bytesRead } = await handle.read(part, 0, part.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield part.subarray(0, bytesRead);
  }
}

/**
 * The regular files below a folder that a hostile program has filled; the program is dead. No link is followed anywhere
 * on the way: folders are opened one by one, without following, and what is in them is reached through their
 * descriptors. A file can be read only until the next one is asked for.
 *
 * Only files with one name are taken: a second name could be outside. Sparse files count with the size that they
 * claim. What is left out is told to `leftOut`, the first few by name; files beyond the bound are only counted.
 */
export async function* collectFolder(
  root: string,
  bounds: CollectBounds,
  leftOut: (what: LeftOut) => void,
  { wanted, skipFolder }: CollectOptions = {},
): AsyncGenerator<OutputFile> {
  const deadline = performance.now() + bounds.maxMs;
  const { tell, tellRest } = createTeller(leftOut);
  let files = 0;
  let bytes = 0;
  let beyond = 0;

  async function* file(folder: FileHandle, name: Buffer, path: string, before: BigIntStats): AsyncGenerator<OutputFile> {
    let handle: FileHandle;
    try {
      handle = await open(child(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      return tell(path, `can't be opened (${errnoOf(error) ?? String(error)})`);
    }
    try {
      const stats = await handle.stat({ bigint: true });
      const size = Number(stats.size);
      if (!stats.isFile() || stats.ino !== before.ino || stats.dev !== before.dev) return tell(path, 'was exchanged for another one');
      if (stats.nlink !== 1n) return tell(path, 'has more than one name (hard links)');
      if (wanted !== undefined && !(await wanted(path, handle, size))) return;
      if (files >= bounds.maxFiles) return void (beyond += 1);
      if (bytes + size > bounds.maxBytes) return tell(path, `would make more than ${bounds.maxBytes} bytes in all`);
      files += 1;
      bytes += size;
      yield { name: path, size, open: () => Readable.from(partsOf(handle, size)) };
    } finally {
      await handle.close();
    }
  }

  async function* walk(folder: FileHandle, prefix: string, depth: number): AsyncGenerator<OutputFile> {
    for await (const { name, looksLikeFile } of entriesOf(folder)) {
      if (performance.now() >= deadline) throw new TimeIsUp();
      if (looksLikeFile && files >= bounds.maxFiles && wanted === undefined) {
        // Not looked at any further: counting a million takes a second, opening them a minute.
        beyond += 1;
        continue;
      }
      const path = prefix + name.toString();
      const problem = problemOfName(name) ?? problemOfPath(path);
      if (problem !== undefined) {
        tell(prefix + printableName(name), problem);
        continue;
      }
      let stats: BigIntStats;
      try {
        stats = await lstat(child(folder, name), { bigint: true });
      } catch (error) {
        tell(path, `can't be looked at (${errnoOf(error) ?? String(error)})`);
        continue;
      }
      if (stats.isFile()) yield* file(folder, name, path, stats);
      else if (!stats.isDirectory()) tell(path, `is ${kindOf(stats)}`);
      else if (skipFolder?.(name.toString()) !== true) yield* subfolder(folder, name, path, depth + 1);
    }
  }

  async function* subfolder(parent: FileHandle, name: Buffer, path: string, depth: number): AsyncGenerator<OutputFile> {
    if (depth > bounds.maxDepth) return tell(path, `lies more than ${bounds.maxDepth} folders deep`);
    let folder: FileHandle;
    try {
      folder = await openFolder(parent, name);
    } catch (error) {
      return tell(path, `can't be opened (${errnoOf(error) ?? String(error)})`);
    }
    try {
      yield* walk(folder, `${path}/`, depth);
    } finally {
      await folder.close();
    }
  }

  const top = await openTop(root);
  if (top === undefined) return tell(basename(root), 'is no folder any more');
  try {
    yield* walk(top, '', 0);
  } catch (error) {
    if (!(error instanceof TimeIsUp)) throw error;
    leftOut({ name: 'everything else', reason: `collecting took longer than ${bounds.maxMs} ms` });
  } finally {
    await top.close();
  }
  if (beyond > 0)
    leftOut({ name: beyond === 1 ? '1 more file' : `${beyond} more files`, reason: `no more than ${bounds.maxFiles} are kept` });
  tellRest();
}

/** Undefined when the program has removed or exchanged the folder; the folder above it is ours, and an error when it is not there. */
async function openTop(root: string): Promise<FileHandle | undefined> {
  const parent = await open(dirname(root), O_RDONLY | O_DIRECTORY);
  try {
    return await openFolder(parent, Buffer.from(basename(root)));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  } finally {
    await parent.close();
  }
}
