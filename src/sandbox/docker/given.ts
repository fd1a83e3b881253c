import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeFrame, ORDER } from './frames.ts';
import { roomOf, type Given } from './plan.ts';

/** A file or folder that a job is to find. */
interface Item {
  /** Below /workspace. */
  path: string;
  /** On this host; undefined for a folder. */
  source?: string;
  mode: number;
  size: number;
}

const PART_BYTES = 64 * 1024;

/** What lies below a folder of ours, folders before what is in them. Sockets and the like are no uploads and are passed over. */
export async function itemsOf(folder: string, name: string): Promise<Item[]> {
  const items: Item[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = `${name}/${entry.name}`;
    const source = join(folder, entry.name);
    if (entry.isDirectory()) items.push({ path, mode: 0o755, size: 0 }, ...(await itemsOf(source, path)));
    else if (entry.isFile()) {
      const { mode, size } = await stat(source);
      items.push({ path, source, mode: mode & 0o777, size });
    }
  }
  return items;
}

/** The room that items take, whoever they count for. */
export const roomFor = (items: readonly Item[]): Given => ({
  bytes: items.reduce((sum, { size }) => sum + roomOf(size), 0),
  inodes: items.length,
});

const openFrame = (path: string, mode: number): Buffer =>
  encodeFrame(ORDER.open, Buffer.concat([Buffer.from([mode >> 8, mode & 0xff]), Buffer.from(path)]));

/** The orders that write items, in their order. */
export async function* ordersFor(items: readonly Item[]): AsyncGenerator<Buffer> {
  for (const { path, source, mode } of items) {
    if (source === undefined) {
      yield encodeFrame(ORDER.folder, path);
      continue;
    }
    yield openFrame(path, mode);
    for await (const part of createReadStream(source, { highWaterMark: PART_BYTES })) yield encodeFrame(ORDER.data, part as Buffer);
  }
}

/** The orders that write a file of our own. */
export const ordersForText = (path: string, text: string): Buffer[] => [
  openFrame(path, 0o644),
  ...(text === '' ? [] : [encodeFrame(ORDER.data, text)]),
];
