import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { z } from 'zod';
import { ApiError } from '../errors.ts';
import type { Upload, UploadArea } from './artifacts.ts';
import { problemOfPath } from './path.ts';
import type { Bucket } from './s3-bucket.ts';
import type { Layout, UploadedFile, manifest } from './s3-layout.ts';

/** A file up to this size travels inside the manifest, as long as all such files together stay below the other bound. */
const SMALL_BYTES = 64 * 1024;
const ALL_SMALL_BYTES = 512 * 1024;

/**
 * An upload whose manifest, written last and in one go, makes it visible. Most jobs are small: they are nothing but the manifest, one
 * request here and one at the worker's.
 */
export function stageUpload(bucket: Bucket, at: Layout, jobId: string, removeBelow: (prefix: string) => Promise<void>): Upload {
  const uploadId = randomUUID();
  const files: UploadedFile[] = [];
  const taken = new Map<string, 'file' | 'folder'>();
  let state: 'open' | 'committed' | 'discarded' = 'open';
  let writing = 0;
  let serial = 0;
  let smallBytes = 0;

  const requireOpen = (): void => {
    if (state !== 'open') throw new Error(`the upload is ${state}`);
  };

  /** A client that goes on sending to a discarded upload must not fill the bucket. */
  async function* whileOpen(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of content) {
      requireOpen();
      yield part;
    }
    requireOpen();
  }

  /** Returns how to give the name back. */
  function take(area: UploadArea, path: string): () => void {
    const clash = new ApiError('invalid_spec', 'the same path was sent twice, or once as a file and once as a folder');
    const whole = `${area}/${path}`;
    const segments = whole.split('/');
    const folders = segments.slice(1, -1).map((_, i) => segments.slice(0, i + 2).join('/'));
    if (taken.has(whole) || folders.some((folder) => taken.get(folder) === 'file')) throw clash;
    for (const folder of folders) taken.set(folder, 'folder');
    taken.set(whole, 'file');
    return () => void taken.delete(whole);
  }

  /** Reads into memory what may be small. What is larger is to be read on from `rest`, the beginning included. */
  async function head(content: AsyncIterable<Uint8Array>): Promise<{ small: Buffer } | { rest: AsyncIterable<Uint8Array> }> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    const iterator = whileOpen(content);
    while (bytes <= SMALL_BYTES) {
      const next = await iterator.next();
      if (next.done === true) {
        if (smallBytes + bytes > ALL_SMALL_BYTES) break;
        smallBytes += bytes;
        return { small: Buffer.concat(parts) };
      }
      parts.push(next.value);
      bytes += next.value.length;
    }
    async function* rest(): AsyncGenerator<Uint8Array> {
      yield* parts.splice(0);
      yield* iterator;
    }
    return { rest: rest() };
  }

  async function store(content: AsyncIterable<Uint8Array>): Promise<Pick<UploadedFile, 'size' | 'sha256' | 'content' | 'object'>> {
    const hash = createHash('sha256');
    let size = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const part of content) {
        hash.update(part);
        size += part.length;
        yield part;
      }
    }
    const begun = await head(counted());
    if ('small' in begun) return { size, sha256: hash.digest('hex'), content: begun.small.toString('base64') };
    const object = `${uploadId}/${++serial}`;
    await bucket.put(at.uploaded(jobId, object), begun.rest, 'application/octet-stream');
    if (state === 'discarded') await bucket.remove(at.uploaded(jobId, object));
    requireOpen();
    return { size, sha256: hash.digest('hex'), object };
  }

  return {
    async write(area, path, content) {
      const problem = problemOfPath(path);
      if (problem !== undefined) throw new ApiError('invalid_spec', `the file name ${problem}`);
      requireOpen();
      const giveBack = take(area, path);
      writing += 1;
      try {
        const stored = await store(content);
        files.push({ area, path, ...stored });
        return { size: stored.size, sha256: stored.sha256 };
      } catch (error) {
        giveBack();
        throw error;
      } finally {
        writing -= 1;
      }
    },

    async commit() {
      requireOpen();
      if (writing > 0) throw new Error('a file of the upload is still being written');
      const whole: z.infer<typeof manifest> = { version: 1, files };
      state = 'committed';
      await bucket.put(at.job(jobId), Readable.from([Buffer.from(JSON.stringify(whole))]), 'application/json').catch((error: unknown) => {
        state = 'open';
        throw error;
      });
    },

    async discard() {
      if (state !== 'open') return;
      state = 'discarded';
      // Nothing is there of most uploads, and to ask would be a request.
      if (serial > 0) await removeBelow(at.upload(jobId, uploadId));
    },
  };
}
