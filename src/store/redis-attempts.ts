import type { Redis } from 'ioredis';
import { endingOf, type Outcome } from '../jobs/outcome.ts';
import type { Keys } from './redis-keys.ts';
import { script } from './redis-lua.ts';
import { fieldsOf, storedJob, type StoredJob } from './redis-record.ts';
import type { Finish, Lease } from './store.ts';

// Which job of a queue is next, is decided here and nowhere else: the oldest of the owner whose turn it is.
// A token claims one job: asked once more with it, because the answer got lost, this answers the same while the lease is held.
const CLAIM = `
local queue, token = ARGV[1], ARGV[3]
local claimed = redis.call('GET', P .. 'claimed:' .. token)
if claimed then return holds(claimed, token) and {claimed, redis.call('HGETALL', jobKey(claimed))} or {'', {}} end
local owner = redis.call('ZRANGE', P .. 'waiting:' .. queue, 0, 0)[1]
if not owner then return {'', {}} end
local id = redis.call('ZRANGE', P .. 'queued:' .. queue .. ':' .. owner, 0, 0)[1]
local key = jobKey(id)
local now = clock(ARGV[2])
local expires = now + tonumber(ARGV[5])
redis.call('HINCRBY', key, 'attempt', 1)
redis.call('HSET', key, 'started_at', string.format('%.0f', now), 'lease_token', token,
  'lease_expires_at', string.format('%.0f', expires), 'worker', ARGV[4])
redis.call('ZADD', P .. 'leases', expires, id)
redis.call('SET', P .. 'claimed:' .. token, id, 'PX', ARGV[5])
redis.call('HSET', P .. 'owner:' .. owner, 'served', redis.call('HINCRBY', P .. 'totals', 'served', 1))
move(id, 'queued', 'running')
return {id, redis.call('HGETALL', key)}
`;

const NEXT = `
local best
for at = 1, #ARGV do
  local owner, score = unpack(redis.call('ZRANGE', P .. 'waiting:' .. ARGV[at], 0, 0, 'WITHSCORES'))
  if owner then
    local id = redis.call('ZRANGE', P .. 'queued:' .. ARGV[at] .. ':' .. owner, 0, 0)[1]
    score = tonumber(score)
    if not best or score < best[1] or (score == best[1] and id < best[2]) then best = {score, id, ARGV[at]} end
  end
end
return best and {best[3], best[2]} or {}
`;

const RENEW = `
local id = ARGV[1]
if not holds(id, ARGV[3]) then return 'lost' end
local expires = clock(ARGV[2]) + tonumber(ARGV[4])
redis.call('HSET', jobKey(id), 'lease_expires_at', string.format('%.0f', expires))
redis.call('ZADD', P .. 'leases', expires, id)
return redis.call('HGET', jobKey(id), 'cancel_asked') and 'cancel' or 'held'
`;

// Calls are numbered. One that comes again has been carried out already: its answer got lost, or it was on its way for so long itself
// that its holder has asked again, and gone on.
const APPEND = `
local id, call = ARGV[1], ARGV[3]
if not holds(id, ARGV[2]) then return 'lost' end
local caller, number = string.match(call, '^(.*):(%d+)$')
local lastCaller, last = string.match(redis.call('HGET', jobKey(id), 'last_call') or '', '^(.*):(%d+)$')
if caller ~= lastCaller or tonumber(number) > tonumber(last) then
  writeLog(id, 4)
  redis.call('HSET', jobKey(id), 'last_call', call)
end
return 'held'
`;

const FINISH = `
local id, call = ARGV[1], ARGV[4]
local key = jobKey(id)
if not holds(id, ARGV[3]) then return {redis.call('HGET', key, 'last_call') == call and 'finished' or 'lost', {}} end
writeLog(id, 12)
grow(id, tonumber(ARGV[10]))
redis.call('HSET', key, 'artifacts', ARGV[8], 'log_truncated', ARGV[9], 'last_call', call)
if ARGV[7] ~= '' then redis.call('HSET', key, 'usage', ARGV[7]) end
finalize(id, 'running', ARGV[6], clock(ARGV[2]), ARGV[5], tonumber(ARGV[11]))
return {'finished', freed(id)}
`;

const RELEASE = `
local id, call = ARGV[1], ARGV[4]
local key = jobKey(id)
if not holds(id, ARGV[3]) then
  if redis.call('HGET', key, 'last_call') ~= call then return {'lost', {}} end
  return {redis.call('HGET', key, 'status') == 'canceled' and 'canceled' or 'queued', {redis.call('HGET', key, 'queue'), id}}
end
writeLog(id, 7)
redis.call('HSET', key, 'last_call', call)
if redis.call('HGET', key, 'cancel_asked') then
  finalize(id, 'running', 'canceled', clock(ARGV[2]), ARGV[5], tonumber(ARGV[6]))
  return {'canceled', freed(id)}
end
backToQueue(id, redis.call('HGET', key, 'attempt') - 1)
return {'queued', {redis.call('HGET', key, 'queue'), id}}
`;

const EXPIRED = `
return redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', clock(ARGV[1]), 'LIMIT', 0, ARGV[2])
`;

// Only what was looked at: the same lease, still over, and the same wish.
const RESCUE = `
local id, what = ARGV[1], ARGV[4]
local key = jobKey(id)
if not holds(id, ARGV[3]) then return {0, {}} end
local now = clock(ARGV[2])
if tonumber(redis.call('HGET', key, 'lease_expires_at')) > now then return {0, {}} end
if (redis.call('HGET', key, 'cancel_asked') and true or false) ~= (what == 'canceled') then return {0, {}} end
writeLog(id, 8)
if what == 'requeued' then
  backToQueue(id, redis.call('HGET', key, 'attempt'))
else
  finalize(id, 'running', ARGV[5], now, ARGV[6], tonumber(ARGV[7]))
end
return {1, freed(id)}
`;

/** Encoded chunks of a log, as scripts take them: pairs of a count and a payload. */
export type EncodedLog = readonly (string | number)[];

const CANCELED: Outcome = { kind: 'canceled', ran: true };

/** A queue that has a job to run, and which; nobody was told of it when it came. */
export interface Freed {
  queue: string;
  id: string;
}

const freedOf = (flat: readonly string[]): Freed[] =>
  flat.flatMap((queue, at) => (at % 2 === 0 ? [{ queue, id: flat[at + 1] ?? '' }] : []));

/**
 * What happens to a job from its claim to its end, each method one step. `call` is `<caller>:<number>`, the same when it tries again; a
 * caller's numbers grow, and of one lease it has one call at a time.
 */
export interface Attempts {
  /** Undefined when nothing of a queue may run now. May be asked again with the same token. */
  claim(queue: string, token: string, worker: string, leaseMs: number): Promise<StoredJob | undefined>;
  /** Which of some queues has the next job, and which that is. */
  next(queues: readonly string[]): Promise<Freed | undefined>;
  renew(lease: Lease, leaseMs: number): Promise<'held' | 'cancel' | 'lost'>;
  append(lease: Lease, call: string, log: EncodedLog): Promise<'held' | 'lost'>;
  finish(lease: Lease, call: string, finish: Finish, log: EncodedLog): Promise<{ state: 'finished' | 'lost'; freed: Freed[] }>;
  /** `queued`: `freed` is the job itself, which needs a ticket. */
  release(lease: Lease, call: string, log: EncodedLog): Promise<{ state: 'queued' | 'canceled' | 'lost'; freed: Freed[] }>;
  /** Jobs whose lease is over. */
  expired(limit: number): Promise<string[]>;
  /** Undefined when somebody else was quicker. */
  rescue(lease: Lease, what: 'requeued' | 'lost' | 'canceled', log: EncodedLog): Promise<Freed[] | undefined>;
}

export function createAttempts(client: Redis, keys: Keys, { now, keepMs }: { now: () => string; keepMs: number }): Attempts {
  const define = (name: string, lua: string): ReturnType<typeof script> => script(client, keys.prefix, name, lua);
  const claim = define('claim', CLAIM);
  const next = define('next', NEXT);
  const renew = define('renew', RENEW);
  const append = define('append', APPEND);
  const finish = define('finish', FINISH);
  const release = define('release', RELEASE);
  const expired = define('expired', EXPIRED);
  const rescue = define('rescue', RESCUE);

  return {
    async claim(queue, token, worker, leaseMs) {
      const [id, flat] = (await claim(queue, now(), token, worker, leaseMs)) as [string, string[]];
      return id === '' ? undefined : storedJob(id, fieldsOf(flat));
    },
    async next(queues) {
      return freedOf((await next(...queues)) as string[])[0];
    },
    renew: async ({ jobId, token }, leaseMs) => (await renew(jobId, now(), token, leaseMs)) as 'held' | 'cancel' | 'lost',
    append: async ({ jobId, token }, call, log) => (await append(jobId, token, call, ...log)) as 'held' | 'lost',
    async finish({ jobId, token }, call, { outcome, usage, artifacts, logTruncated }, log) {
      const [state, freed] = (await finish(
        jobId,
        now(),
        token,
        call,
        JSON.stringify(outcome),
        endingOf(outcome).status,
        usage === null ? '' : JSON.stringify(usage),
        JSON.stringify(artifacts),
        logTruncated ? 1 : 0,
        artifacts.reduce((sum, { size }) => sum + size, 0),
        keepMs,
        ...log,
      )) as ['finished' | 'lost', string[]];
      return { state, freed: freedOf(freed) };
    },
    async release({ jobId, token }, call, log) {
      const answer = await release(jobId, now(), token, call, JSON.stringify(CANCELED), keepMs, ...log);
      const [state, freed] = answer as ['queued' | 'canceled' | 'lost', string[]];
      return { state, freed: freedOf(freed) };
    },
    expired: async (limit) => (await expired(now(), limit)) as string[],
    async rescue({ jobId, token }, what, log) {
      const outcome: Outcome = what === 'canceled' ? CANCELED : { kind: 'worker_lost' };
      const answer = await rescue(jobId, now(), token, what, endingOf(outcome).status, JSON.stringify(outcome), keepMs, ...log);
      const [done, freed] = answer as [number, string[]];
      return done === 1 ? freedOf(freed) : undefined;
    },
  };
}
