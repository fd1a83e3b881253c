import { dirname } from 'node:path';
import { StartError } from '../errors.ts';
import { StoreError } from './store.ts';

/** Primary result codes, https://sqlite.org/rescode.html. */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;
/** Extended result codes carry the primary one in their lowest byte. */
const PRIMARY = 0xff;

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & PRIMARY : undefined;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why the database can't be used, and the line that mends it. */
export function startErrorFor(error: unknown, path: string): StartError {
  if (error instanceof StartError) return error;
  switch (codeOf(error)) {
    case BUSY:
      return new StartError(
        `Another process works on the database ${path}.`,
        `stop the service that runs on ${dirname(path)}, or set JOB_DATA_DIR to a folder of its own`,
        error,
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return new StartError(
        `The database ${path} is damaged (${messageOf(error)}).`,
        `restore it from a backup, or begin with an empty one: mv ${path} ${path}.damaged`,
        error,
      );
    case FULL:
      return new StartError(`The disk with the database ${path} is full.`, `free some space in ${dirname(path)}`, error);
    default:
      return new StartError(
        `The database ${path} can't be opened and written (${messageOf(error)}).`,
        `let this user write to ${dirname(path)}, or set JOB_DATA_DIR to another folder`,
        error,
      );
  }
}

/** What the store's callers get when the database fails in use; errors that are not the database's stay as they are. */
export function errorInUse(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  return code === FULL
    ? new StoreError('full', `the disk with the database ${path} is full`, error)
    : new StoreError('unavailable', `the database ${path} failed: ${messageOf(error)}`, error);
}
