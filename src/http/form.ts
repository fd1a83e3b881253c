import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ApiError, errnoOf } from '../errors.ts';

export interface FormLimits {
  maxBytes: number;
  maxFiles: number;
  maxFieldBytes: number;
}

/** Who takes the parts of a form. */
export interface FormTaker {
  field(name: string, text: string, truncated: boolean): void;
  /** How to read a file's content, to its end; undefined for a file that nobody wants. Files are read one after the other, as they were sent. */
  file(name: string, filename: string | undefined): ((content: Readable) => Promise<void>) | undefined;
}

const MAX_PARTS = 10_000;

const tooLarge = (maxBytes: number): ApiError =>
  new ApiError('payload_too_large', `a request may have at most ${maxBytes / 1024 ** 2} MiB`);

/** Refuses by its own word a request that is too large, before a byte of it is read. */
export function refuseTooLarge(request: IncomingMessage, { maxBytes }: Pick<FormLimits, 'maxBytes'>): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** The bytes of a stream that stays open when its reader gives up: the rest must still be read away, or the form stands still. */
export const kept = (content: Readable): AsyncIterable<Buffer> => content.iterator({ destroyOnReturn: false });

/** The request's bytes. It stays open when its reader gives up: there is an answer to send yet. */
async function* counted(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const part of kept(request)) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield part;
  }
}

/**
 * Reads a multipart form, a file at a time, with bounded memory.
 *
 * @throws ApiError `unsupported_media_type`, `payload_too_large`, `truncated_body`, and what the taker throws
 */
export async function readForm(request: IncomingMessage, limits: FormLimits, taker: FormTaker): Promise<void> {
  const type = request.headers['content-type'];
  if (type === undefined || !/^multipart\/form-data\s*(;|$)/i.test(type))
    throw new ApiError('unsupported_media_type', 'send multipart/form-data');
  refuseTooLarge(request, limits);

  const open = new Set<Readable>();
  let read: Promise<void> = Promise.resolve();
  let refusal: ApiError | undefined;

  const parser = formParser(type, limits);
  parser.on('field', (name, text, _nameTruncated, truncated) => taker.field(name, text, truncated));
  parser.on('file', (name, content, filename: string | undefined) => {
    open.add(content);
    content.once('close', () => open.delete(content));
    // Whoever reads it hears of it as well; a part that nobody reads must not end the service.
    content.on('error', () => undefined);
    const take = taker.file(name, filename);
    if (take === undefined) content.resume();
    else read = read.then(() => take(content));
    // Told when the form has been read; until then it must not count as nobody's.
    read.catch(() => content.resume());
  });
  parser.on('filesLimit', () => (refusal ??= new ApiError('payload_too_large', `a request may have at most ${limits.maxFiles} files`)));
  parser.on('partsLimit', () => (refusal ??= new ApiError('payload_too_large', `a request may have at most ${MAX_PARTS} parts`)));

  try {
    await pipeline(counted(request, limits.maxBytes), parser);
    await read;
  } catch (error) {
    // A form that stops in the middle leaves the part that it was in without an end.
    for (const content of open) content.destroy();
    await read.catch(() => undefined);
    throw refusal ?? translated(error);
  }
  if (refusal !== undefined) throw refusal;
}

function translated(error: unknown): unknown {
  if (
    error instanceof ApiError ||
    (errnoOf(error)?.startsWith('E') === true && errnoOf(error) !== 'ECONNRESET' && !errnoOf(error)?.startsWith('ERR_'))
  )
    return error;
  // What busboy and the connection say when the form stops in the middle.
  return new ApiError('truncated_body', 'the request ended before the form did, or is no valid form', { cause: error });
}

function formParser(type: string, limits: FormLimits): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      preservePath: true,
      limits: { fieldSize: limits.maxFieldBytes, files: limits.maxFiles, parts: MAX_PARTS, headerPairs: 50, headerSize: 16 * 1024 },
    });
  } catch (error) {
    throw new ApiError('invalid_request', 'the content type names no usable boundary', { cause: error });
  }
}
