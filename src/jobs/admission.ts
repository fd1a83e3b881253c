import { ApiError } from '../errors.ts';
import type { Bounds, Inserted, Store } from '../store/store.ts';
import type { Caller } from './caller.ts';
import { createRates, type Standing } from './rates.ts';

/** Whether there is room for one more job, and what a caller is told when there is none. */
export interface Admission {
  /** Counts a job that a caller is about to send. @throws ApiError `too_many_requests` */
  count(caller: Caller): void;
  /** A look ahead, so that nobody sends what would be refused: the store has the last word. @throws ApiError as `refusal` tells */
  lookForRoom(caller: Caller): Promise<void>;
  /** A look ahead for files that come without a job. @throws ApiError `quota_exceeded` when too many of the caller's wait for one already */
  lookForWaiting(caller: Caller): void;
  /** Counts such files. They are the caller's for an hour, when those that no job has taken are swept. */
  countWaiting(caller: Caller, bytes: number): void;
  /** For the store to keep. */
  bounds(caller: Caller): Bounds;
  refusal(bound: Refused, caller: Caller): ApiError;
  /** The caller's rate of jobs, for any answer. */
  headers(caller: Caller): Record<string, string>;
}

type Refused = Extract<Inserted, { kind: 'refused' }>['bound'];

/** Jobs end all the time … */
const QUEUE_RETRY_SEC = '5';
/** … and are removed seldom. */
const STORED_RETRY_SEC = '60';
/** For which files may wait for their job. */
const WAITING_MS = 60 * 60 * 1000;
const MIB = 1024 ** 2;

/** draft-ietf-httpapi-ratelimit-headers-10: a policy by its name, and how the caller stands with it. */
export const rateHeaders = (name: string, perMinute: number, { left, resetSec }: Standing, unit = ''): Record<string, string> => ({
  'ratelimit-policy': `"${name}";q=${perMinute};w=60${unit}`,
  ratelimit: `"${name}";r=${left};t=${resetSec}`,
});

export function createAdmission(store: Pick<Store, 'stats' | 'usage'>, maxQueued: number | undefined): Admission {
  const rates = createRates();
  const waiting = createRates(undefined, WAITING_MS);

  const refusal = (bound: Refused, { limits }: Caller): ApiError => {
    switch (bound) {
      case 'queued':
        return new ApiError('queue_full', 'the queue is full; try again', { headers: { 'retry-after': QUEUE_RETRY_SEC } });
      case 'ownerQueued':
        return new ApiError('quota_exceeded', `${limits.maxQueued} of your jobs wait already; try again when some have ended`, {
          headers: { 'retry-after': QUEUE_RETRY_SEC },
        });
      case 'ownerBytes':
        return new ApiError(
          'quota_exceeded',
          `your jobs may take ${(limits.storedBytes ?? 0) / MIB} MiB together, logs and files included; remove some`,
          { headers: { 'retry-after': STORED_RETRY_SEC } },
        );
    }
  };

  return {
    count({ owner, limits: { jobsPerMinute } }) {
      if (jobsPerMinute === undefined) return;
      const standing = rates.take(owner, 1, jobsPerMinute);
      if (standing.allowed) return;
      throw new ApiError('too_many_requests', `you may submit ${jobsPerMinute} jobs a minute`, {
        headers: { 'retry-after': String(standing.resetSec), ...rateHeaders('jobs', jobsPerMinute, standing) },
      });
    },
    async lookForRoom(caller) {
      const { maxQueued: ownerQueued, storedBytes } = caller.limits;
      if (maxQueued !== undefined && (await store.stats()).queued >= maxQueued) throw refusal('queued', caller);
      if (ownerQueued === undefined && storedBytes === undefined) return;
      const used = await store.usage(caller.owner);
      if (ownerQueued !== undefined && used.queued >= ownerQueued) throw refusal('ownerQueued', caller);
      if (storedBytes !== undefined && used.bytes >= storedBytes) throw refusal('ownerBytes', caller);
    },
    lookForWaiting({ owner, limits: { storedBytes } }) {
      if (storedBytes === undefined) return;
      const standing = waiting.look(owner, storedBytes);
      if (standing.allowed) return;
      throw new ApiError('quota_exceeded', `files that wait for a job may take ${storedBytes / MIB} MiB together`, {
        headers: { 'retry-after': String(standing.resetSec) },
      });
    },
    countWaiting({ owner, limits: { storedBytes } }, bytes) {
      if (storedBytes !== undefined) waiting.take(owner, bytes, storedBytes);
    },
    bounds: ({ limits }) => ({
      queued: maxQueued,
      ownerQueued: limits.maxQueued,
      ownerBytes: limits.storedBytes,
      ownerRunning: limits.maxRunning,
    }),
    refusal,
    headers: ({ owner, limits: { jobsPerMinute } }) =>
      jobsPerMinute === undefined ? {} : rateHeaders('jobs', jobsPerMinute, rates.look(owner, jobsPerMinute)),
  };
}
