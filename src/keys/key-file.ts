import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { errnoOf, StartError } from '../errors.ts';

/** API_KEYS_FILE: owners by their names, each with keys of which only the hashes are kept, and with limits of their own. */

const bound = z.int().min(0);

export const limitFields = z.strictObject({
  max_queued: bound,
  max_running: bound,
  jobs_per_minute: bound,
  upload_mb_per_minute: bound,
  stored_mb: bound,
  max_viewers: bound,
});

export const LIMIT_NAMES = Object.keys(limitFields.shape) as (keyof z.output<typeof limitFields>)[];

const key = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hexadecimal digits'),
  created_at: z.iso.datetime().optional(),
});

/** It becomes a part of idempotency keys and of tokens, so it holds no space and no dot at its start. */
export const ownerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'a name has 1 to 64 letters, digits and ._@- and begins with a letter or a digit');

const owner = z.strictObject({ keys: z.array(key), limits: limitFields.partial().optional() });

const schema = z.record(ownerName, owner).superRefine((owners, context) => {
  const seen = new Set<string>();
  for (const [name, { keys }] of Object.entries(owners)) {
    for (const { sha256 } of keys) {
      if (seen.has(sha256)) context.addIssue({ code: 'custom', path: [name], message: `the key ${sha256.slice(0, 12)} is there twice` });
      seen.add(sha256);
    }
  }
});

export type KeyFile = z.output<typeof schema>;

/** The rule that a name breaks says more than that it breaks one. */
const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;

const GROUP_OR_OTHERS_WRITE = 0o022;

/** Reads the file. Throws a StartError that says what is wrong with it. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const broken = (what: string, remedy: string, cause?: unknown): StartError =>
    new StartError(`The file of API keys ${path} ${what}.`, remedy, cause);
  let text: string;
  try {
    // Whoever may write to it may add a key.
    const { mode } = await stat(path);
    if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) throw broken('may be written to by others', `chmod go-w ${path}`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (errnoOf(error) === 'ENOENT') throw broken('is not there', `job-runner keys create NAME --file ${path}`, error);
    throw broken(`can't be read (${errnoOf(error) ?? String(error)})`, 'let this user read it, or set API_KEYS_FILE to another', error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken('is not valid JSON', 'mend it, or make one with `job-runner keys create`', error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${wordsOf(issue)}`);
  throw broken(`is wrong: ${problems.join('; ')}`, 'mend it, or make one with `job-runner keys create`; docs/keys.md tells its form');
}
