import { createHash } from 'node:crypto';
import { z } from 'zod';
import { problemOfPath } from './path.ts';

/**
 * How jobs lie in a bucket:
 *
 *     PREFIX jobs/ID                                the job's upload: which files, and the small ones themselves
 *     PREFIX files/ID/uploads/UUID/N                a large file of it
 *     PREFIX files/ID/output/HASH/NAME              an artifact
 *     PREFIX files/ID/log                           its log, where the store does not keep that of a job that is over
 *
 * Keys are made of our own characters. A file's path may be longer than a key may be and hold what some servers don't take, and some
 * keep `a` and `a/b` apart only when neither is a folder.
 */
export function layout(prefix: string) {
  const files = (id: string): string => `${prefix}files/${id}/`;
  return {
    allJobs: `${prefix}jobs/`,
    allFiles: `${prefix}files/`,
    job: (id: string): string => `${prefix}jobs/${id}`,
    files,
    upload: (id: string, uploadId: string): string => `${files(id)}uploads/${uploadId}/`,
    uploaded: (id: string, object: string): string => `${files(id)}uploads/${object}`,
    outputs: (id: string): string => `${files(id)}output/`,
    output: (id: string, name: string): string => `${files(id)}output/${keyOf(name)}`,
    log: (id: string): string => `${files(id)}log`,
    probe: (unique: string): string => `${prefix}probe/${unique}`,
  };
}

export type Layout = ReturnType<typeof layout>;

const HASH_DIGITS = 32;
const SHOWN_CHARACTERS = 100;

/** One key for each name. The end of it is for people who look into the bucket. */
function keyOf(name: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS);
  const shown = (name.split('/').at(-1) ?? '').replace(/[^A-Za-z0-9._-]/g, '_').slice(-SHOWN_CHARACTERS);
  return `${hash}/${/^\.*$/.test(shown) ? '_' : shown}`;
}

/** Whoever can write to the bucket could otherwise write anywhere on a worker's machine. */
const path = z.string().refine((path) => problemOfPath(path) === undefined, 'is no usable path');

const uploadedFile = z.object({
  area: z.enum(['code', 'input']),
  path,
  size: z.int().min(0),
  sha256: z.string(),
  /** Base64, of a small file. */
  content: z.string().optional(),
  /** Below `uploads/`, of a large one. */
  object: z
    .string()
    .regex(/^[0-9a-f-]{36}\/\d+$/)
    .optional(),
});
export type UploadedFile = z.infer<typeof uploadedFile>;

export const manifest = z.object({ version: z.literal(1), files: z.array(uploadedFile) });
