import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { Upload, UploadArea } from '../artifacts/artifacts.ts';
import { problemOfPath } from '../artifacts/path.ts';
import { ApiError, errnoOf, type FieldError } from '../errors.ts';
import type { Submission } from '../jobs/submit.ts';

export interface UploadLimits {
  maxBytes: number;
  maxFiles: number;
  maxSpecBytes: number;
}

const AREAS = { code_files: 'code', input_files: 'input' } as const;
const isArea = (name: string): name is keyof typeof AREAS => Object.hasOwn(AREAS, name);
const MAX_PARTS = 10_000;

const tooLarge = (limits: UploadLimits): ApiError =>
  new ApiError('payload_too_large', `a request may have at most ${limits.maxBytes / 1024 ** 2} MiB`);

/** Refuses by its own word a request that is too large, before a byte of it is read. */
export function refuseTooLarge(request: IncomingMessage, limits: UploadLimits): void {
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) throw tooLarge(limits);
}

/** The request's bytes. It stays open when its reader gives up: there is an answer to send yet. */
async function* counted(request: IncomingMessage, limits: UploadLimits): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const part of kept(request)) {
    bytes += part.length;
    if (bytes > limits.maxBytes) throw tooLarge(limits);
    yield part;
  }
}

/**
 * Reads a multipart form into an upload, a file at a time, with bounded memory. Unknown parts and empty file inputs are
 * ignored. Problems with single files are collected; the form is read to its end all the same, so that all can be told.
 *
 * @throws ApiError `unsupported_media_type`, `payload_too_large`, `truncated_body`
 */
export async function receiveForm(
  request: IncomingMessage,
  upload: Upload,
  limits: UploadLimits,
): Promise<Omit<Submission, 'idempotencyKey'>> {
  const type = request.headers['content-type'];
  if (type === undefined || !/^multipart\/form-data\s*(;|$)/i.test(type))
    throw new ApiError('unsupported_media_type', 'send multipart/form-data');
  refuseTooLarge(request, limits);

  const files: Submission['files'] = [];
  const errors: FieldError[] = [];
  const seen = { code_files: 0, input_files: 0 };
  const open = new Set<Readable>();
  let written: Promise<void> = Promise.resolve();
  let specText: string | undefined;
  let refusal: ApiError | undefined;

  const takeSpec = (text: string, truncated: boolean): void => {
    if (truncated) refusal ??= new ApiError('payload_too_large', `the part spec may have at most ${limits.maxSpecBytes / 1024} KiB`);
    else if (specText !== undefined) errors.push({ pointer: '/spec', detail: 'was sent twice' });
    specText = text;
  };

  const takeSpecFile = async (content: Readable): Promise<void> => {
    const { text, truncated } = await readText(content, limits.maxSpecBytes);
    takeSpec(text, truncated);
  };

  const takeFile = async (area: UploadArea, pointer: string, content: Readable, path: string): Promise<void> => {
    const problem = problemOfPath(path);
    try {
      if (problem !== undefined) throw new ApiError('invalid_spec', `the file name ${problem}`);
      files.push({ area, path, ...(await upload.write(area, path, kept(content))) });
    } catch (error) {
      content.resume();
      if (!(error instanceof ApiError)) throw error;
      errors.push({ pointer, detail: error.message });
    }
  };

  const parser = formParser(type, limits);
  parser.on('field', (name, text, _nameTruncated, truncated) => {
    if (name === 'spec') takeSpec(text, truncated);
    else if (isArea(name) && text !== '')
      errors.push({ pointer: `/${name}/${seen[name]++}`, detail: 'is a text, not a file: it has no file name' });
  });
  parser.on('file', (name, content, filename: string | undefined) => {
    open.add(content);
    content.once('close', () => open.delete(content));
    // Whoever reads it hears of it as well; a part that nobody reads must not end the service.
    content.on('error', () => undefined);
    if (name === 'spec') written = written.then(() => takeSpecFile(content));
    else if (isArea(name) && filename !== undefined && filename !== '') {
      const pointer = `/${name}/${seen[name]++}`;
      // One after the other, as they were sent.
      written = written.then(() => takeFile(AREAS[name], pointer, content, filename));
    } else content.resume();
    // Told when the form has been read; until then it must not count as nobody's.
    written.catch(() => content.resume());
  });
  parser.on('filesLimit', () => (refusal ??= new ApiError('payload_too_large', `a request may have at most ${limits.maxFiles} files`)));
  parser.on('partsLimit', () => (refusal ??= new ApiError('payload_too_large', `a request may have at most ${MAX_PARTS} parts`)));

  try {
    await pipeline(counted(request, limits), parser);
    await written;
  } catch (error) {
    // A form that stops in the middle leaves the part that it was in without an end.
    for (const content of open) content.destroy();
    await written.catch(() => undefined);
    throw refusal ?? translated(error);
  }
  if (refusal !== undefined) throw refusal;
  return { specText, files, errors };
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

function formParser(type: string, limits: UploadLimits): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      preservePath: true,
      limits: { fieldSize: limits.maxSpecBytes, files: limits.maxFiles, parts: MAX_PARTS, headerPairs: 50, headerSize: 16 * 1024 },
    });
  } catch (error) {
    throw new ApiError('invalid_request', 'the content type names no usable boundary', { cause: error });
  }
}

/** The bytes of a stream that stays open when its reader gives up: the rest must still be read away, or the form stands still. */
const kept = (content: Readable): AsyncIterable<Buffer> => content.iterator({ destroyOnReturn: false });

async function readText(content: Readable, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of content as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
  }
  return { text: Buffer.concat(parts).toString('utf8'), truncated: bytes > maxBytes };
}
