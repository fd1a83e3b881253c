import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { ApiError } from '../errors.ts';
import type { Artifacts, OpenArtifact } from './artifacts.ts';
import { contentType } from './content-type.ts';
import { isJobId, problemOfPath } from './path.ts';
import { openBucket, type BucketOptions } from './s3-bucket.ts';
import { hasAnswered, startError } from './s3-errors.ts';
import { fetchInputs, sweepFetched } from './s3-inputs.ts';
import { layout, manifest, type UploadedFile } from './s3-layout.ts';
import { sweepBucket } from './s3-sweep.ts';
import { stageUpload } from './s3-upload.ts';

export interface S3Options extends BucketOptions {
  /** Before all keys, so that a bucket can be shared: empty, or ending in a slash. */
  prefix: string;
  /** Makes the bucket when there is none. */
  createBucket: boolean;
  /** For how many seconds a link to an artifact works; undefined: no links, everything goes through us. */
  linkSeconds: number | undefined;
  /** How long a worker goes on asking a server that does not answer, before it gives its job up. */
  patienceMs: number;
  /** How long the first check waits for a server where nothing answers yet. */
  startPatienceMs: number;
}

const REMOVALS_AT_ONCE = 8;
const LONGEST_PAUSE_MS = 5000;
const START_PAUSE_MS = 250;
const SWEEPS_PER_AGE = 4;

/** Files of jobs in a bucket of any server that speaks S3; how they lie there, s3-layout.ts tells. */
export function createS3Artifacts(options: S3Options): Artifacts {
  const bucket = openBucket(options);
  const at = layout(options.prefix);
  const place = { bucket: options.bucket, endpoint: options.endpoint ?? `Amazon (${options.region})` };
  let wasTried = false;
  let sweptAt = -Infinity;

  const requireJobId = (id: string): void => {
    if (!isJobId(id)) throw new Error(`not a job id: ${id}`);
  };

  async function removeBelow(prefix: string, lost?: AbortSignal): Promise<void> {
    // One by one: not every server has the request that removes many, and those that have disagree on its checksum.
    const keys = bucket.list(prefix);
    const removeSome = async (): Promise<void> => {
      for (let next = await keys.next(); next.done !== true; next = await keys.next()) {
        lost?.throwIfAborted();
        await bucket.remove(next.value.key);
      }
    };
    await Promise.all(Array.from({ length: REMOVALS_AT_ONCE }, removeSome));
  }

  async function uploaded(jobId: string): Promise<UploadedFile[]> {
    const found = await bucket.get(at.job(jobId));
    if (found === undefined) throw new Error(`the job ${jobId} has no files`);
    return manifest.parse(await json(found)).files;
  }

  async function openObject(key: string): Promise<OpenArtifact | undefined> {
    const found = await bucket.head(key);
    if (found === undefined) return undefined;
    const { size, modifiedAt, etag } = found;
    async function* parts(range?: { start: number; end: number }): AsyncGenerator<Buffer> {
      // Whoever reads has been told this size: of another object under the name nothing must follow.
      const content = await bucket.get(key, { ifMatch: etag, ...(range === undefined ? {} : { range }) });
      if (content === undefined) throw new Error(`${key} is gone`);
      yield* content as AsyncIterable<Buffer>;
    }
    return { size, modifiedAt, stream: (range) => Readable.from(parts(range)) };
  }

  /** A worker has nobody waiting at the other end of a connection, and a job to lose. */
  async function patiently<T>(work: () => Promise<T>, lost?: AbortSignal): Promise<T> {
    const deadline = performance.now() + options.patienceMs;
    for (let pause = 250; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      lost?.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        const mayPass = error instanceof ApiError && error.code === 'unavailable';
        if (!mayPass || performance.now() + pause > deadline) throw error;
        await delay(pause);
      }
    }
  }

  /** A server that is started together with us may need a moment longer. */
  async function firstAnswer(): Promise<void> {
    const deadline = performance.now() + options.startPatienceMs;
    for (;;) {
      try {
        return await bucket.probe();
      } catch (error) {
        if (hasAnswered(error) || performance.now() > deadline) throw error;
        await delay(START_PAUSE_MS);
      }
    }
  }

  /** Everything that we need a bucket for, once: what is not allowed shows at start and not when the first job ends. */
  async function tryOut(): Promise<void> {
    const key = at.probe(randomUUID());
    await bucket.put(key, Readable.from([Buffer.from('probe')]), 'text/plain');
    const found = await bucket.get(key);
    if (found === undefined) throw new Error('what is written there is not there');
    found.destroy();
    await bucket.remove(key);
    await bucket.unfinished(at.probe('')).next();
  }

  async function createWhereMissing(error: unknown): Promise<void> {
    if (!options.createBucket || !(error instanceof Error) || error.name !== 'NoSuchBucket') throw error;
    await bucket.create();
  }

  return {
    name: 's3',

    async check() {
      try {
        await (wasTried ? bucket.probe() : firstAnswer()).catch(createWhereMissing);
        if (wasTried) return;
        await tryOut();
        // Of this host, and so for each process to do; the bucket is swept by one for all.
        await sweepFetched();
        wasTried = true;
      } catch (error) {
        throw startError(error instanceof ApiError ? error.cause : error, place);
      }
    },

    async sweep(minAgeMs) {
      // It lists all jobs, and somebody pays for that: what waits for an hour can wait a little longer.
      const now = performance.now();
      if (minAgeMs > 0 && now - sweptAt < minAgeMs / SWEEPS_PER_AGE) return;
      sweptAt = now;
      await sweepBucket(bucket, at, minAgeMs);
    },

    async stage(jobId) {
      requireJobId(jobId);
      return stageUpload(bucket, at, jobId, removeBelow);
    },

    async inputs(jobId) {
      requireJobId(jobId);
      return patiently(async () => fetchInputs(bucket, at, jobId, await uploaded(jobId)));
    },

    async keep(jobId, file, lost) {
      const problem = problemOfPath(file.name);
      if (problem !== undefined) throw new Error(`the name ${problem}`);
      requireJobId(jobId);
      const type = contentType(file.name);
      return patiently(async () => {
        const hash = createHash('sha256');
        let size = 0;
        async function* counted(): AsyncGenerator<Uint8Array> {
          for await (const part of file.open() as AsyncIterable<Buffer>) {
            hash.update(part);
            size += part.length;
            yield part;
          }
        }
        await bucket.put(at.output(jobId, file.name), counted(), type, lost);
        return { name: file.name, size, sha256: hash.digest('hex'), content_type: type };
      }, lost);
    },

    async clearOutputs(jobId, lost) {
      requireJobId(jobId);
      await patiently(() => removeBelow(at.outputs(jobId), lost), lost);
    },

    async open(jobId, name) {
      if (!isJobId(jobId) || problemOfPath(name) !== undefined) return undefined;
      const key = at.output(jobId, name);
      const found = await openObject(key);
      const { linkSeconds } = options;
      if (found === undefined || linkSeconds === undefined) return found;
      return { ...found, link: (response) => bucket.link(key, response, linkSeconds) };
    },

    async keepLog(jobId, content) {
      requireJobId(jobId);
      await bucket.put(at.log(jobId), content, 'application/octet-stream');
    },

    async openLog(jobId) {
      return isJobId(jobId) ? openObject(at.log(jobId)) : undefined;
    },

    async remove(jobId) {
      requireJobId(jobId);
      // First what makes it a job: what a crash leaves then is swept as files without one.
      await bucket.remove(at.job(jobId));
      await removeBelow(at.files(jobId));
    },

    async *ids() {
      for await (const { key, modifiedAt } of bucket.list(at.allJobs)) {
        const id = key.slice(at.allJobs.length);
        if (isJobId(id)) yield { id, modifiedAt };
      }
    },

    async close() {
      bucket.close();
    },
  };
}
