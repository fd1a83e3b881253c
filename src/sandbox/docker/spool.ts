import { open, rm, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { partsOf } from '../collect.ts';

/** Content up to this size is held in memory. */
const SMALL_BYTES = 1024 * 1024;

/** Holds the content of one file after the other: what comes once, over a line, can be read again by whoever fails to keep it. */
export interface Spool {
  /**
   * Reads all of a content of `size` bytes; what opens it works until the next one is taken. Rejects with what the content throws, and with a
   * SpoolError when it can't be held here; the content has been read to its end then, too.
   */
  take(content: AsyncIterable<Buffer>, size: number): Promise<() => Readable>;
  close(): Promise<void>;
}

export class SpoolError extends Error {}

export function createSpool(): Spool {
  let file: FileHandle | undefined;

  /** Without a name: nothing is left of it however this process ends. */
  async function ownFile(): Promise<FileHandle> {
    if (file !== undefined) return file;
    const path = join(tmpdir(), `job-runner-spool-${randomUUID()}`);
    file = await open(path, 'wx+', 0o600);
    await rm(path);
    return file;
  }

  return {
    async take(content, size) {
      if (size <= SMALL_BYTES) {
        const parts: Buffer[] = [];
        for await (const part of content) parts.push(part);
        return () => Readable.from(parts);
      }
      let at = 0;
      let failure: unknown;
      for await (const part of content) {
        if (failure !== undefined) continue;
        try {
          const handle = await ownFile();
          for (let written = 0; written < part.length;)
            written += (await handle.write(part, written, part.length - written, at + written)).bytesWritten;
          at += part.length;
        } catch (error) {
          failure = error;
        }
      }
      if (file === undefined || failure !== undefined) throw new SpoolError('it can’t be held', { cause: failure });
      const handle = file;
      return () => Readable.from(partsOf(handle, size));
    },

    async close() {
      await file?.close();
    },
  };
}
