import type { Redis } from 'ioredis';
import { encodeLabel, encodeOwner, type Keys } from './redis-keys.ts';
import { script } from './redis-lua.ts';
import { fieldsOf, storedJob, type StoredJob } from './redis-record.ts';
import type { Inserted, NewJob } from './store.ts';

const INSERT = `
local id, owner, idem, fingerprint, bytes = ARGV[1], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if idem ~= '' then
  local holder = redis.call('GET', P .. 'idem:' .. idem)
  local theirs = holder and redis.call('HGET', jobKey(holder), 'fingerprint')
  if theirs then
    if theirs ~= fingerprint then return {'conflict', ''} end
    return {'existing', holder, redis.call('HGETALL', jobKey(holder))}
  end
end
local key, ownerKey = jobKey(id), P .. 'owner:' .. owner
-- Sent once more, because the answer got lost: accepting twice is accepting once.
if redis.call('EXISTS', key) == 1 then return {'created', id, redis.call('HGETALL', key)} end
local maxQueued, maxOwnerQueued, maxOwnerBytes = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if maxQueued and redis.call('ZCARD', P .. 'status:queued') >= maxQueued then return {'refused', 'queued'} end
local queued, used = unpack(redis.call('HMGET', ownerKey, 'queued', 'bytes'))
if maxOwnerQueued and tonumber(queued or 0) >= maxOwnerQueued then return {'refused', 'ownerQueued'} end
if maxOwnerBytes and tonumber(used or 0) + bytes > maxOwnerBytes then return {'refused', 'ownerBytes'} end
redis.call('HSET', key, 'owner_key', owner, 'queue', ARGV[11], 'labels', ARGV[12], 'attempt', 0, 'bytes', 0,
  'created_at', string.format('%.0f', clock(ARGV[2])))
for at = 13, #ARGV, 2 do redis.call('HSET', key, ARGV[at], ARGV[at + 1]) end
if ARGV[10] == '' then redis.call('HDEL', ownerKey, 'max_running') else redis.call('HSET', ownerKey, 'max_running', ARGV[10]) end
redis.call('ZADD', P .. 'all', 0, id)
redis.call('ZADD', P .. 'owned:' .. owner, 0, id)
for label in string.gmatch(ARGV[12], '%S+') do redis.call('ZADD', P .. 'label:' .. label, 0, id) end
if idem ~= '' then
  redis.call('HSET', key, 'idem', idem, 'fingerprint', fingerprint)
  redis.call('SET', P .. 'idem:' .. idem, id)
end
grow(id, bytes)
move(id, nil, 'queued')
return {'created', id, redis.call('HGETALL', key)}
`;

const CANCEL = `
local id = ARGV[1]
local key = jobKey(id)
local status = redis.call('HGET', key, 'status')
if status == 'queued' then
  writeLog(id, 5)
  finalize(id, 'queued', 'canceled', clock(ARGV[2]), ARGV[3], tonumber(ARGV[4]))
elseif status == 'running' then
  redis.call('HSET', key, 'cancel_asked', 1)
  redis.call('PUBLISH', P .. 'news', 'cancel ' .. id)
end
return {status or '', redis.call('HGETALL', key)}
`;

// A record that has expired by itself leaves its id behind in the lists: deleting clears that up, too.
const DELETE = `
local id = ARGV[1]
local key = jobKey(id)
local status, idem = unpack(redis.call('HMGET', key, 'status', 'idem'))
if status == 'queued' or status == 'running' then return 'not_finished' end
if redis.call('ZREM', P .. 'finished', id) == 0 then return 'not_found' end
for _, each in ipairs({'succeeded', 'failed', 'canceled'}) do redis.call('ZREM', P .. 'status:' .. each, id) end
if idem and redis.call('GET', P .. 'idem:' .. idem) == id then redis.call('DEL', P .. 'idem:' .. idem) end
for _, list in ipairs({'all', 'archive', 'notices'}) do redis.call('ZREM', P .. list, id) end
redis.call('HDEL', P .. 'tries', id)
local bytes, owner, labels = string.match(redis.call('HGET', P .. 'sizes', id) or '0 ', '^(%S+) (%S*)(.*)$')
redis.call('HDEL', P .. 'sizes', id)
for label in string.gmatch(labels, '%S+') do redis.call('ZREM', P .. 'label:' .. label, id) end
redis.call('HINCRBY', P .. 'totals', 'bytes', 0 - bytes)
redis.call('HINCRBY', P .. 'owner:' .. owner, 'bytes', 0 - bytes)
redis.call('ZREM', P .. 'owned:' .. owner, id)
if redis.call('EXISTS', P .. 'owned:' .. owner) == 0 then redis.call('DEL', P .. 'owner:' .. owner) end
redis.call('UNLINK', key, logKey(id))
redis.call('PUBLISH', P .. 'news', 'deleted ' .. id)
return 'deleted'
`;

/** Single jobs: records in and out, each method one step. */
export interface Jobs {
  insert(job: NewJob, queue: string): Promise<Inserted>;
  find(id: string): Promise<StoredJob | undefined>;
  findAll(ids: readonly string[]): Promise<StoredJob[]>;
  /** `was`: its status before; the last words are of use only when that was `queued`. */
  cancel(id: string, outcome: string, log: readonly (string | number)[]): Promise<{ was: string; stored: StoredJob | undefined }>;
  delete(id: string): Promise<'deleted' | 'not_found' | 'not_finished'>;
}

export function createJobs(client: Redis, keys: Keys, { now, keepMs }: { now: () => string; keepMs: number }): Jobs {
  const insert = script(client, keys.prefix, 'insert', INSERT);
  const cancel = script(client, keys.prefix, 'cancel', CANCEL);
  const remove = script(client, keys.prefix, 'delete', DELETE);

  return {
    async insert({ id, owner, spec, runtime, traceparent, bytes, idempotency, bounds = {} }, queue) {
      const labels = Object.entries(spec.labels).flatMap(([name, value]) => [encodeLabel(name), encodeLabel(name, value)]);
      const ownerKey = encodeOwner(owner);
      const optional = Object.entries({ traceparent, notify: spec.callback_url === undefined ? undefined : '1' });
      const [kind, holder, flat] = (await insert(
        id,
        now(),
        ownerKey,
        idempotency === undefined ? '' : `${ownerKey}:${idempotency.key}`,
        idempotency?.fingerprint ?? '',
        bytes,
        bounds.queued ?? '',
        bounds.ownerQueued ?? '',
        bounds.ownerBytes ?? '',
        bounds.ownerRunning ?? '',
        queue,
        labels.join(' '),
        ...['owner', owner, 'runtime', runtime, 'spec', JSON.stringify(spec)],
        ...optional.flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
      )) as ['created' | 'existing' | 'conflict' | 'refused', string, string[]];
      if (kind === 'conflict') return { kind };
      if (kind === 'refused') return { kind, bound: holder as Extract<Inserted, { kind: 'refused' }>['bound'] };
      const stored = storedJob(holder, fieldsOf(flat));
      if (stored === undefined) throw new Error(`the record of job ${holder} can't be read`);
      return { kind, job: stored.job };
    },
    find: async (id) => storedJob(id, await client.hgetall(keys.job(id))),
    async findAll(ids) {
      const all = await Promise.all(ids.map((id) => client.hgetall(keys.job(id))));
      return all.map((fields, index) => storedJob(ids[index] ?? '', fields)).filter((stored) => stored !== undefined);
    },
    async cancel(id, outcome, log) {
      const [was, flat] = (await cancel(id, now(), outcome, keepMs, ...log)) as [string, string[]];
      return { was, stored: storedJob(id, fieldsOf(flat)) };
    },
    delete: async (id) => (await remove(id)) as 'deleted' | 'not_found' | 'not_finished',
  };
}
