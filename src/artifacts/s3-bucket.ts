import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
  type GetObjectCommandInput,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { isAbsent, requestError } from './s3-errors.ts';

export interface BucketOptions {
  bucket: string;
  region: string;
  /** Undefined: Amazon's own for the region. */
  endpoint: string | undefined;
  /** Where clients reach the same server, for links that they follow; undefined: at `endpoint`. */
  publicEndpoint: string | undefined;
  /** The bucket's name in the path, not in the host's name. */
  pathStyle: boolean;
  /** Undefined: found where Amazon's tools find them (environment, files, roles of the machine). */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
}

export interface StoredObject {
  size: number;
  modifiedAt: number;
  etag: string;
}

/** The few things that we do with a bucket. What fails throws an ApiError for whoever asked, but for `probe` and `create`. */
export interface Bucket {
  /**
   * Stores an object as a whole or not at all, a part of it in memory at a time. An error of the content is thrown as it is, and so is the
   * reason of `unwanted` when that aborts.
   */
  put(key: string, content: AsyncIterable<Uint8Array>, type: string, unwanted?: AbortSignal): Promise<void>;
  /** Undefined when it is not there, though the bucket is. */
  head(key: string): Promise<StoredObject | undefined>;
  /** Undefined when it is not there, or not with the tag that `ifMatch` names. */
  get(key: string, options?: { range?: { start: number; end: number }; ifMatch?: string }): Promise<Readable | undefined>;
  remove(key: string): Promise<void>;
  /** By name, in the order of bytes. */
  list(prefix: string): AsyncGenerator<{ key: string; modifiedAt: number }>;
  /** What stands in keys between `prefix` and the next slash, in the order of bytes. */
  folders(prefix: string): AsyncGenerator<string>;
  /** Uploads in parts that were begun and not ended. */
  unfinished(prefix: string): AsyncGenerator<{ key: string; uploadId: string; begunAt: number }>;
  abort(key: string, uploadId: string): Promise<void>;
  /** An address where anybody may get an object for a while, with these response headers. */
  link(key: string, response: { type: string; disposition: string }, seconds: number): Promise<string>;
  /** Looks whether the bucket answers. Throws the server's own error. */
  probe(): Promise<void>;
  /** Makes the bucket where there is none. Throws the server's own error. */
  create(): Promise<void>;
  close(): void;
}

const MIB = 1024 ** 2;
/** Two parts are sent while the next is read: this much of one upload, three times, is in memory. With 10,000 parts it ends at 80 GB. */
const PART_BYTES = 8 * MIB;
const PARTS_AT_ONCE = 2;

/** Whatever reads slowly holds a connection: none may wait for another's end. */
const AGENT = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64 };
const CONNECT_MS = 3000;
/** Until the answer begins. A body may take as long as its reader likes. */
const ANSWER_MS = 60_000;

const silent = (): void => undefined;

function clientFor(options: BucketOptions, endpoint: string | undefined): S3Client {
  return new S3Client({
    region: options.region,
    forcePathStyle: options.pathStyle,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    // The newer checksums are Amazon's: other servers refuse streams that end with one.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      httpAgent: AGENT,
      httpsAgent: AGENT,
    },
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
  });
}

export function openBucket(options: BucketOptions): Bucket {
  const Bucket = options.bucket;
  const client = clientFor(options, options.endpoint);
  const forLinks = options.publicEndpoint === undefined ? client : clientFor(options, options.publicEndpoint);

  async function asked<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw requestError(error);
    }
  }

  async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw requestError(error);
    }
  }

  async function* pages(prefix: string, delimiter?: string) {
    let next: string | undefined;
    do {
      const page = await asked(
        client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
            ...(next === undefined ? {} : { ContinuationToken: next }),
          }),
        ),
      );
      yield page;
      next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
  }

  const probe = async (): Promise<void> => {
    await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }));
  };

  return {
    async put(key, content, type, unwanted) {
      let failed: { error: unknown } | undefined;
      async function* watched(): AsyncGenerator<Uint8Array> {
        try {
          yield* content;
        } catch (error) {
          failed = { error };
          throw error;
        }
      }
      const upload = new Upload({
        client,
        params: { Bucket, Key: key, Body: Readable.from(watched(), { objectMode: false }), ContentType: type },
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
      });
      const stop = (): void => void upload.abort();
      unwanted?.addEventListener('abort', stop);
      try {
        await upload.done();
      } catch (error) {
        unwanted?.throwIfAborted();
        // Content that is no longer wanted, because the sending failed, ends with an error as well.
        throw error === failed?.error ? error : requestError(error);
      } finally {
        unwanted?.removeEventListener('abort', stop);
      }
    },

    async head(key) {
      const found = await unlessAbsent(client.send(new HeadObjectCommand({ Bucket, Key: key })));
      // The answer has no body, and so does not tell whether it is the object or the bucket that is not there.
      if (found === undefined) await asked(probe());
      return (
        found && {
          size: found.ContentLength ?? 0,
          modifiedAt: found.LastModified?.getTime() ?? 0,
          etag: found.ETag ?? '',
        }
      );
    },

    async get(key, { range, ifMatch } = {}) {
      const input: GetObjectCommandInput = {
        Bucket,
        Key: key,
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
        ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
      };
      // In Node the body is the response itself.
      return (await unlessAbsent(client.send(new GetObjectCommand(input))))?.Body as Readable | undefined;
    },

    async remove(key) {
      await unlessAbsent(client.send(new DeleteObjectCommand({ Bucket, Key: key })));
    },

    async *list(prefix) {
      for await (const page of pages(prefix)) {
        for (const { Key, LastModified } of page.Contents ?? []) {
          if (Key !== undefined) yield { key: Key, modifiedAt: LastModified?.getTime() ?? 0 };
        }
      }
    },

    async *folders(prefix) {
      for await (const page of pages(prefix, '/')) {
        for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) yield Prefix.slice(prefix.length, -1);
      }
    },

    async *unfinished(prefix) {
      let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
      while (next !== undefined) {
        const page: ListMultipartUploadsCommandOutput = await asked(
          client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...next })),
        );
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          if (Key !== undefined && UploadId !== undefined) yield { key: Key, uploadId: UploadId, begunAt: Initiated?.getTime() ?? 0 };
        }
        next =
          page.IsTruncated === true && page.NextKeyMarker !== undefined
            ? {
                KeyMarker: page.NextKeyMarker,
                ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
              }
            : undefined;
      }
    },

    async abort(key, uploadId) {
      await unlessAbsent(client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId })));
    },

    link: (key, { type, disposition }, seconds) =>
      asked(
        getSignedUrl(
          forLinks,
          new GetObjectCommand({
            Bucket,
            Key: key,
            ResponseContentType: type,
            ResponseContentDisposition: disposition,
            ResponseCacheControl: 'private, no-cache',
          }),
          { expiresIn: seconds },
        ),
      ),

    probe,

    async create() {
      try {
        await client.send(new CreateBucketCommand({ Bucket }));
      } catch (error) {
        // Another process was quicker.
        if (!(error instanceof Error) || !['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(error.name)) throw error;
      }
    },

    close() {
      client.destroy();
      forLinks.destroy();
    },
  };
}
