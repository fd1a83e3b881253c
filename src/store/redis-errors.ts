import { errnoOf, StartError } from '../errors.ts';
import { StoreError } from './store.ts';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Words that Redis' error replies begin with. */
const firstWord = (error: unknown): string => /^-?([A-Z]+)\b/.exec(messageOf(error))?.[1] ?? '';

/** No more memory, or the disk with its files is full: what Redis has is safe, and it takes nothing new. */
const FULL = new Set(['OOM', 'MISCONF']);
/** Starting, failing over, cut off from its replicas, or busy with somebody's script: it will answer again. */
const PASSING = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'NOREPLICAS', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'UNBLOCKED']);
const REFUSED = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

/** ioredis' own complaints about the connection; they have neither classes nor codes that it exports. */
const CONNECTION =
  /connection is closed|command timed out|isn't writeable|max retries per request|socket timeout|failed to refresh|reconnect/i;

const isConnectionError = (error: unknown): boolean =>
  errnoOf(error)?.startsWith('E') === true || CONNECTION.test(messageOf(error)) || (error instanceof Error && error.name === 'AbortError');

/** Whether asking again may help, once Redis is back. */
export const isPassing = (error: unknown): boolean => error instanceof StoreError && error.kind === 'unavailable';

/** The same, for whoever can also wait for room. */
export const isTrouble = (error: unknown): boolean => error instanceof StoreError;

/** The connection was just closing: Redis has heard nothing of it. */
export const wasNotSent = (error: unknown): boolean => isPassing(error) && /isn't writeable/.test(messageOf(error));

/** What the store's callers get when Redis fails in use; errors that are not its own stay as they are. */
export function errorInUse(error: unknown, where: string): unknown {
  if (error instanceof StoreError) return error;
  // A script's errors carry the reply of the command that failed inside it.
  const word = firstWord(error) === 'ERR' ? firstWord(messageOf(error).replace(/^ERR /, '')) : firstWord(error);
  if (FULL.has(word)) return new StoreError('full', `Redis at ${where} takes nothing new: ${messageOf(error)}`, error);
  if (PASSING.has(word) || REFUSED.has(word) || isConnectionError(error)) {
    return new StoreError('unavailable', `Redis at ${where} does not answer: ${messageOf(error)}`, error);
  }
  return error;
}

/** Why Redis can't be used, and the line that mends it. */
export function startErrorFor(error: unknown, where: string): StartError {
  if (error instanceof StartError) return error;
  const cause = error instanceof StoreError && error.cause !== undefined ? error.cause : error;
  const word = firstWord(cause);
  if (REFUSED.has(word)) {
    return new StartError(
      `Redis at ${where} refuses us (${messageOf(cause)}).`,
      'put the user and password into REDIS_URL: redis://user:password@host:6379/0',
      error,
    );
  }
  if (FULL.has(word)) {
    return new StartError(
      `Redis at ${where} takes nothing new (${messageOf(cause)}).`,
      'give it more memory or disk: maxmemory in its configuration, free space in its folder',
      error,
    );
  }
  if (errnoOf(cause) === 'ECONNRESET' || word === 'DENIED') {
    // Its protected mode: it says why, and hangs up before that is read.
    return new StartError(
      `Redis at ${where} hangs up on us (${messageOf(cause)}).`,
      'where it was not just stopped: give it a password (requirepass), for without one it answers its own machine only, and put that into REDIS_URL',
      error,
    );
  }
  if (word === 'READONLY') return new StartError(`Redis at ${where} is a replica.`, 'let REDIS_URL name the primary', error);
  return new StartError(
    `Redis at ${where} does not answer (${messageOf(cause)}).`,
    'start it (redis-server --appendonly yes), or set REDIS_URL to where it is',
    error,
  );
}
