import type { Redis } from 'ioredis';
import type { Keys } from './redis-keys.ts';
import { script } from './redis-lua.ts';
import type { SeenRuntime, Store, WorkerInfo } from './store.ts';

// One hash with a sorted set beside it rather than keys that expire: tests move the clock.
const ANNOUNCE = `
local name, now = ARGV[1], clock(ARGV[2])
redis.call('HSET', P .. 'workers:info', name, ARGV[4])
redis.call('ZADD', P .. 'workers', now + tonumber(ARGV[3]), name)
for at = 5, #ARGV, 2 do
  redis.call('HSET', P .. 'runtimes:info', ARGV[at], ARGV[at + 1])
  redis.call('ZADD', P .. 'runtimes', now, ARGV[at])
end
`;

const WITHDRAW = `
redis.call('HDEL', P .. 'workers:info', ARGV[1])
redis.call('ZREM', P .. 'workers', ARGV[1])
`;

const WORKERS = `
local now = clock(ARGV[1])
for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. 'workers', '-inf', now)) do
  redis.call('HDEL', P .. 'workers:info', name)
  redis.call('ZREM', P .. 'workers', name)
end
local runtimes = redis.call('ZRANGE', P .. 'runtimes', 0, -1, 'REV', 'WITHSCORES')
local seen = {}
for at = 1, #runtimes, 2 do
  table.insert(seen, {runtimes[at], runtimes[at + 1], redis.call('HGET', P .. 'runtimes:info', runtimes[at]) or '{}'})
end
return {redis.call('HVALS', P .. 'workers:info'), seen}
`;

const TURN = `
local now = clock(ARGV[2])
local key = P .. 'turn:' .. ARGV[1]
if now < tonumber(redis.call('GET', key) or 0) then return 0 end
redis.call('SET', key, string.format('%.0f', now + tonumber(ARGV[3])), 'PX', ARGV[3] * 2)
return 1
`;

/** Who works on the store, and whose turn it is. */
export function createWorkers(client: Redis, keys: Keys, now: () => string): Pick<Store, 'announce' | 'withdraw' | 'workers' | 'takeTurn'> {
  const announce = script(client, keys.prefix, 'announce', ANNOUNCE);
  const withdraw = script(client, keys.prefix, 'withdraw', WITHDRAW);
  const workers = script(client, keys.prefix, 'workers', WORKERS);
  const turn = script(client, keys.prefix, 'turn', TURN);

  return {
    async announce(info, ttlMs) {
      const runtimes = info.runtimes.flatMap(({ name, version, packages }) => [name, JSON.stringify({ version, packages })]);
      await announce(info.name, now(), ttlMs, JSON.stringify(info), ...runtimes);
    },
    async withdraw(name) {
      await withdraw(name);
    },
    async workers() {
      const [alive, seen] = (await workers(now())) as [string[], [string, string, string][]];
      return {
        alive: alive.map((text) => JSON.parse(text) as WorkerInfo).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        runtimes: seen
          .map(([name, at, text]) => ({ name, seenAt: Number(at), ...(JSON.parse(text) as Pick<SeenRuntime, 'version' | 'packages'>) }))
          .toSorted((a, b) => b.seenAt - a.seenAt || (a.name < b.name ? -1 : 1)),
      };
    },
    takeTurn: async (task, everyMs) => (await turn(task, now(), everyMs)) === 1,
  };
}
