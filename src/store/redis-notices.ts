import type { Redis } from 'ioredis';
import type { Keys } from './redis-keys.ts';
import { script } from './redis-lua.ts';
import { fieldsOf, storedJob } from './redis-record.ts';
import type { Notice, Store } from './store.ts';

const TAKE = `
local now = clock(ARGV[1])
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'notices', '-inf', now, 'LIMIT', 0, ARGV[3])) do
  redis.call('ZADD', P .. 'notices', now + tonumber(ARGV[2]), id)
  table.insert(found, {id, redis.call('HINCRBY', P .. 'tries', id, 1), redis.call('HGETALL', jobKey(id))})
end
return found
`;

const SETTLE = `
if ARGV[3] == '' then
  redis.call('ZREM', P .. 'notices', ARGV[1])
  redis.call('HDEL', P .. 'tries', ARGV[1])
else
  redis.call('ZADD', P .. 'notices', 'XX', clock(ARGV[2]) + tonumber(ARGV[3]), ARGV[1])
end
`;

/** What is left to be told of jobs that are over: due from the step that ended them. */
export function createNotices(client: Redis, keys: Keys, now: () => string): Pick<Store, 'takeNotices' | 'settleNotice'> {
  const take = script(client, keys.prefix, 'takeNotices', TAKE);
  const settle = script(client, keys.prefix, 'settleNotice', SETTLE);

  return {
    async takeNotices({ limit, leaseMs }) {
      const taken = (await take(now(), leaseMs, limit)) as [string, number, string[]][];
      return taken.flatMap(([id, tries, flat]): Notice[] => {
        const stored = storedJob(id, fieldsOf(flat));
        return stored === undefined ? [] : [{ job: stored.job, tries }];
      });
    },
    async settleNotice(jobId, retryMs) {
      await settle(jobId, now(), retryMs ?? '');
    },
  };
}
