import type { z } from 'zod';
import type { jobSpec } from '../api/spec.ts';

/** The fields of the specification, all optional, as clients send them. */
export type Spec = z.input<ReturnType<typeof jobSpec>>;

export type FileContent = string | Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** Contents by relative path: `{'main.py': 'print(1)', 'pkg/mod.py': blob}`. */
export type Files = Record<string, FileContent>;

export interface Submission extends Spec {
  /** The program: a text is `main.py` (or what `entry` says), else its files. */
  code?: string | Files | undefined;
  /** Files for the folder that `JOB_INPUT_DIR` names in the job. */
  input?: Files | undefined;
}

const blobOf = (content: FileContent): Blob => (content instanceof Blob ? content : new Blob([content]));

/** What the service's form takes. Files that are Blobs are read while they are sent. */
export function formOf({ code = {}, input = {}, ...spec }: Submission): FormData {
  const form = new FormData();
  form.append('spec', JSON.stringify(spec));
  const codeFiles = typeof code === 'string' ? { [spec.entry ?? 'main.py']: code } : code;
  for (const [path, content] of Object.entries(codeFiles)) form.append('code_files', blobOf(content), path);
  for (const [path, content] of Object.entries(input)) form.append('input_files', blobOf(content), path);
  return form;
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
export const newIdempotencyKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
