import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Upload, UploadArea } from '../artifacts/artifacts.ts';
import { problemOfPath } from '../artifacts/path.ts';
import { ApiError, type FieldError } from '../errors.ts';
import type { Submission } from '../jobs/submit.ts';
import { kept, readForm } from './form.ts';

export interface UploadLimits {
  maxBytes: number;
  maxFiles: number;
  maxSpecBytes: number;
}

const AREAS = { code_files: 'code', input_files: 'input' } as const;
const isArea = (name: string): name is keyof typeof AREAS => Object.hasOwn(AREAS, name);

/**
 * Reads a job's form into an upload. Unknown parts and empty file inputs are ignored. Problems with single files are
 * collected; the form is read to its end all the same, so that all can be told.
 *
 * @throws ApiError `unsupported_media_type`, `payload_too_large`, `truncated_body`
 */
export async function receiveForm(request: IncomingMessage, upload: Upload, limits: UploadLimits): Promise<Submission> {
  const files: Submission['files'] = [];
  const errors: FieldError[] = [];
  const seen = { code_files: 0, input_files: 0 };
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

  const read = readForm(
    request,
    { ...limits, maxFieldBytes: limits.maxSpecBytes },
    {
      field(name, text, truncated) {
        if (name === 'spec') takeSpec(text, truncated);
        else if (isArea(name) && text !== '')
          errors.push({ pointer: `/${name}/${seen[name]++}`, detail: 'is a text, not a file: it has no file name' });
      },
      file(name, filename) {
        if (name === 'spec') return takeSpecFile;
        if (!isArea(name) || filename === undefined || filename === '') return undefined;
        const pointer = `/${name}/${seen[name]++}`;
        return (content) => takeFile(AREAS[name], pointer, content, filename);
      },
    },
  );
  await read.catch((error: unknown) => {
    throw refusal ?? error;
  });
  if (refusal !== undefined) throw refusal;
  return { specText, files, errors };
}

async function readText(content: Readable, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of content as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
  }
  return { text: Buffer.concat(parts).toString('utf8'), truncated: bytes > maxBytes };
}
