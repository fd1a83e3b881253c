import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, opendir, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { isUtf8 } from 'node:buffer';
import type { OutputFile } from '../artifacts/artifacts.ts';
import { problemOfPath } from '../artifacts/path.ts';
import { errnoOf } from '../errors.ts';
import type { CollectBounds, LeftOut } from './sandbox.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Files that are named one by one when they are left out; of the others only the number is told. */
const MAX_NAMED = 20;
const PART_BYTES = 256 * 1024;

/** Whether a file is wanted; it is asked with the file open. */
export type Wanted = (name: string, handle: FileHandle, size: number) => Promise<boolean>;

class BoundReached extends Error {}

const printable = (name: Buffer): string => JSON.stringify(name.toString('latin1')).slice(1, -1);

const kindOf = (stats: BigIntStats): string => {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
};

const child = (folder: FileHandle, name: Buffer): Buffer => Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), name]);

async function* partsOf(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
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
 * descriptors. A file is open only while its consumer has it.
 *
 * Only files with one name are taken: a second name could be outside. Sparse files count with the size that they
 * claim. What is left out is told to `leftOut`, the first few by name.
 */
export async function* collectFolder(
  root: string,
  bounds: CollectBounds,
  leftOut: (what: LeftOut) => void,
  wanted: Wanted = async () => true,
  skipFolder: (name: string) => boolean = () => false,
): AsyncGenerator<OutputFile> {
  const deadline = performance.now() + bounds.maxMs;
  let files = 0;
  let bytes = 0;
  let named = 0;
  let unnamed = 0;

  const leave = (name: string, reason: string): void => {
    named += 1;
    if (named <= MAX_NAMED) leftOut({ name, reason });
    else unnamed += 1;
  };

  async function* file(folder: FileHandle, name: Buffer, path: string): AsyncGenerator<OutputFile> {
    let handle: FileHandle;
    try {
      handle = await open(child(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      return leave(path, `can't be opened (${errnoOf(error) ?? 'unknown error'})`);
    }
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return leave(path, 'not a regular file');
      if (stats.nlink !== 1) return leave(path, 'has more than one name (hard links)');
      if (!(await wanted(path, handle, stats.size))) return;
      if (files >= bounds.maxFiles) throw new BoundReached(`more than ${bounds.maxFiles} files`);
      if (bytes + stats.size > bounds.maxBytes) return leave(path, `would make more than ${bounds.maxBytes} bytes in all`);
      files += 1;
      bytes += stats.size;
      yield { name: path, size: stats.size, open: () => Readable.from(partsOf(handle, stats.size)) };
    } finally {
      await handle.close();
    }
  }

  async function* walk(folder: FileHandle, prefix: string, depth: number): AsyncGenerator<OutputFile> {
    // Not sorted, and not read as a whole: there may be a million.
    const listing = await opendir(`/proc/self/fd/${folder.fd}`, { encoding: 'buffer' as BufferEncoding });
    for await (const entry of listing) {
      if (performance.now() > deadline) throw new BoundReached(`collecting took longer than ${bounds.maxMs} ms`);
      const name = entry.name as unknown as Buffer;
      const path = prefix + name.toString('utf8');
      const shown = prefix + printable(name);
      // oxlint-disable-next-line no-control-regex -- a name with control characters could forge lines wherever it is shown
      if (!isUtf8(name) || /[\u0000-\u001f\u007f]/.test(path) || problemOfPath(path) !== undefined) {
        leave(shown, 'the name is not printable UTF-8, or too long');
        continue;
      }
      const stats = await lstat(child(folder, name), { bigint: true }).catch(() => undefined);
      if (stats === undefined) leave(path, "can't be looked at");
      else if (stats.isFile()) yield* file(folder, name, path);
      else if (!stats.isDirectory()) leave(path, `is ${kindOf(stats)}`);
      else if (skipFolder(name.toString())) continue;
      else if (depth >= bounds.maxDepth) leave(path, `lies more than ${bounds.maxDepth} folders deep`);
      else {
        const inner = await open(child(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error: unknown) =>
          leave(path, `can't be opened (${errnoOf(error) ?? 'unknown error'})`),
        );
        if (inner === undefined) continue;
        try {
          yield* walk(inner, `${path}/`, depth + 1);
        } finally {
          await inner.close();
        }
      }
    }
  }

  const top = await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    yield* walk(top, '', 1);
  } catch (error) {
    if (!(error instanceof BoundReached)) throw error;
    leftOut({ name: 'everything else', reason: error.message });
  } finally {
    await top.close();
  }
  if (unnamed > 0) leftOut({ name: `${unnamed} more`, reason: 'for reasons like those above' });
}
