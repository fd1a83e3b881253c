import type { Redis } from 'ioredis';

/**
 * What the scripts share. A script is one step: nothing comes between its commands, and Redis refuses it as a whole when there is no
 * memory left. Keys are made in the scripts, from the prefix: they live on one node (in a cluster, give the prefix a {hash tag}).
 */
const PRELUDE = `
local P = KEYS[1]
local function jobKey(id) return P .. 'job:' .. id end
local function logKey(id) return P .. 'log:' .. id end

-- One clock for all hosts; tests bring their own.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function holds(id, token)
  return redis.call('HGET', jobKey(id), 'lease_token') == token
end

-- Whose turn it is, queue by queue: who has the fewest running, then who was served the longest ago. Who may run no more is on no list.
local function rank(owner)
  local key = P .. 'owner:' .. owner
  local running, max, served = unpack(redis.call('HMGET', key, 'running', 'max_running', 'served'))
  running = tonumber(running or 0)
  for _, queue in ipairs(redis.call('SMEMBERS', key .. ':queues')) do
    local waiting = P .. 'waiting:' .. queue
    if redis.call('ZCARD', P .. 'queued:' .. queue .. ':' .. owner) == 0 then
      redis.call('SREM', key .. ':queues', queue)
      redis.call('ZREM', waiting, owner)
    elseif max and running >= tonumber(max) then
      redis.call('ZREM', waiting, owner)
    else
      redis.call('ZADD', waiting, string.format('%.0f', running * 0x100000000 + tonumber(served or 0) % 0x100000000), owner)
    end
  end
end

-- The only way for a status to change. What it counts changes with it.
local function move(id, from, to)
  local key = jobKey(id)
  local owner, queue = unpack(redis.call('HMGET', key, 'owner_key', 'queue'))
  local ownerKey = P .. 'owner:' .. owner
  if from then
    redis.call('ZREM', P .. 'status:' .. from, id)
    if from == 'queued' then redis.call('ZREM', P .. 'queued:' .. queue .. ':' .. owner, id) end
    if from == 'queued' or from == 'running' then redis.call('HINCRBY', ownerKey, from, -1) end
  end
  redis.call('HSET', key, 'status', to)
  redis.call('ZADD', P .. 'status:' .. to, 0, id)
  if to == 'queued' then
    redis.call('ZADD', P .. 'queued:' .. queue .. ':' .. owner, 0, id)
    redis.call('SADD', ownerKey .. ':queues', queue)
  end
  if to == 'queued' or to == 'running' then redis.call('HINCRBY', ownerKey, to, 1) end
  rank(owner)
end

local function grow(id, bytes)
  redis.call('HINCRBY', jobKey(id), 'bytes', bytes)
  redis.call('HINCRBY', P .. 'owner:' .. redis.call('HGET', jobKey(id), 'owner_key'), 'bytes', bytes)
  redis.call('HINCRBY', P .. 'totals', 'bytes', bytes)
end

-- Chunks are pairs: how many entries, and their payload. A chunk's id is the number of its last entry.
local function writeLog(id, first)
  local lines = tonumber(redis.call('HGET', jobKey(id), 'log_lines') or 0)
  local bytes = 0
  for at = first, #ARGV, 2 do
    lines = lines + tonumber(ARGV[at])
    bytes = bytes + #ARGV[at + 1]
    redis.call('XADD', logKey(id), lines .. '-0', 'c', ARGV[at + 1])
  end
  if bytes > 0 then
    redis.call('HSET', jobKey(id), 'log_lines', lines)
    grow(id, bytes)
  end
end

local function endLease(id)
  redis.call('HDEL', jobKey(id), 'lease_token', 'lease_expires_at', 'worker')
  redis.call('ZREM', P .. 'leases', id)
end

local function backToQueue(id, attempt)
  endLease(id)
  redis.call('HSET', jobKey(id), 'attempt', attempt)
  redis.call('HDEL', jobKey(id), 'started_at')
  move(id, 'running', 'queued')
end

-- The end, with a mark behind the last entry that wakes whoever follows.
local function finalize(id, from, to, at, outcome, keepMs)
  local key = jobKey(id)
  endLease(id)
  move(id, from, to)
  redis.call('HSET', key, 'finished_at', string.format('%.0f', at), 'outcome', outcome)
  redis.call('ZADD', P .. 'finished', at, id)
  redis.call('ZADD', P .. 'archive', at, id)
  local bytes, owner, labels, lines, idem, notify =
    unpack(redis.call('HMGET', key, 'bytes', 'owner_key', 'labels', 'log_lines', 'idem', 'notify'))
  -- What deleting has to know, also when the record has expired by itself.
  redis.call('HSET', P .. 'sizes', id, bytes .. ' ' .. owner .. ' ' .. labels)
  redis.call('XADD', logKey(id), (lines or '0') .. '-1', 'e', '1')
  if notify then redis.call('ZADD', P .. 'notices', at, id) end
  if keepMs > 0 then
    redis.call('PEXPIRE', key, keepMs)
    redis.call('PEXPIRE', logKey(id), keepMs)
    if idem then redis.call('PEXPIRE', P .. 'idem:' .. idem, keepMs) end
  end
end

-- A job that may run now because another of its owner's does no more: nobody was woken for it when it came.
local function freed(id)
  local owner = redis.call('HGET', jobKey(id), 'owner_key')
  if not redis.call('HGET', P .. 'owner:' .. owner, 'max_running') then return {} end
  local found = {}
  for _, queue in ipairs(redis.call('SMEMBERS', P .. 'owner:' .. owner .. ':queues')) do
    if redis.call('ZSCORE', P .. 'waiting:' .. queue, owner) then
      table.insert(found, queue)
      table.insert(found, redis.call('ZRANGE', P .. 'queued:' .. queue .. ':' .. owner, 0, 0)[1])
    end
  end
  return found
end
`;

export type RunScript = (...args: (string | number)[]) => Promise<unknown>;

/** A script as a function of its arguments. Redis is sent its text once; later its digest does. */
export function script(client: Redis, prefix: string, name: string, lua: string): RunScript {
  const command = `jobRunner_${name}`;
  client.defineCommand(command, { numberOfKeys: 1, lua: PRELUDE + lua });
  const defined = (client as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>)[command];
  if (defined === undefined) throw new Error(`the script ${name} could not be defined`);
  return (...args) => defined.call(client, prefix, ...args);
}
