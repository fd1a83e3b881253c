import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OutputFile } from '../../src/artifacts/artifacts.ts';
import type { CollectBounds, LeftOut } from '../../src/sandbox/sandbox.ts';

export const BOUNDS: CollectBounds = { maxFiles: 1000, maxDepth: 32, maxBytes: 1024 ** 3, maxMs: 60_000 };

export interface Collected {
  /** Contents by name. */
  files: Record<string, string>;
  /** Reasons by name, in the order in which they were told. */
  leftOut: Record<string, string>;
}

/** Reads a collection to its end, every file whole. */
export async function collected(collect: (leftOut: (what: LeftOut) => void) => AsyncIterable<OutputFile>): Promise<Collected> {
  const result: Collected = { files: {}, leftOut: {} };
  const tell = ({ name, reason }: LeftOut): void => void (result.leftOut[name] = reason);
  for await (const file of collect(tell)) result.files[file.name] = Buffer.concat(await file.open().toArray()).toString();
  return result;
}

/** Writes files by their paths, with the folders on the way. */
export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
