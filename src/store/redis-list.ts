import type { Redis } from 'ioredis';
import { encodeLabel, encodeOwner, type Keys } from './redis-keys.ts';
import { script } from './redis-lua.ts';
import type { ListQuery, OwnerUsage, Store, StoreStats } from './store.ts';

// Ids are ordered by time, so every list of them is a sorted set without scores, read from its end.
const PAGE = `
local lead, wanted, budget = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local max = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local found = {}
while budget > 0 do
  local batch = redis.call('ZRANGE', lead, max, '-', 'BYLEX', 'REV', 'LIMIT', 0, math.min(budget, 200))
  if #batch == 0 then return {'', found} end
  for _, id in ipairs(batch) do
    local matches = true
    for at = 5, #ARGV do
      if not redis.call('ZSCORE', ARGV[at], id) then matches = false break end
    end
    if matches then table.insert(found, id) end
    if #found == wanted then return {id, found} end
  end
  max = '(' .. batch[#batch]
  budget = budget - #batch
end
return {string.sub(max, 2), found}
`;

const FINISHED = `
local flat = redis.call('ZRANGEBYSCORE', P .. 'finished', '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local found = {}
for at = 1, #flat, 2 do
  table.insert(found, {flat[at], flat[at + 1], string.match(redis.call('HGET', P .. 'sizes', flat[at]) or '0', '^%d+')})
end
return found
`;

const STATS = `
local oldest = redis.call('ZRANGE', P .. 'status:queued', 0, 0)[1]
return {
  redis.call('ZCARD', P .. 'status:queued'), redis.call('ZCARD', P .. 'status:running'), redis.call('ZCARD', P .. 'finished'),
  redis.call('HGET', P .. 'totals', 'bytes') or '0', oldest and redis.call('HGET', jobKey(oldest), 'created_at') or ''
}
`;

/** So many ids are looked at in one step: some milliseconds, in which nobody else is served. */
const BUDGET = 5000;

type Finished = Awaited<ReturnType<Store['finished']>>;

/** Questions about many jobs. */
export interface Lists {
  /** Ids of one page, newest first. */
  page(query: ListQuery): Promise<{ ids: string[]; next: string | null }>;
  finished(query: { before?: number; limit: number }): Promise<Finished>;
  stats(): Promise<StoreStats>;
  usage(owner: string): Promise<OwnerUsage>;
}

export function createLists(client: Redis, keys: Keys): Lists {
  const page = script(client, keys.prefix, 'page', PAGE);
  const finished = script(client, keys.prefix, 'finished', FINISHED);
  const stats = script(client, keys.prefix, 'stats', STATS);

  return {
    async page({ owner, status, labels = [], limit, cursor = '' }) {
      // A label leads where there is one, for it is what leaves the fewest jobs.
      const sets = labels.map(([name, value]) => keys.label(encodeLabel(name, value)));
      if (owner !== undefined) sets.push(keys.owned(encodeOwner(owner)));
      if (status !== undefined) sets.push(keys.status(status));
      const [lead = keys.all, ...others] = sets;
      const ids: string[] = [];
      // One more than asked for tells whether there is a next page.
      for (let from: string | undefined = cursor; from !== undefined && ids.length <= limit;) {
        const [last, found] = (await page(lead, from, limit + 1 - ids.length, BUDGET, ...others)) as [string, string[]];
        ids.push(...found);
        from = last === '' ? undefined : last;
      }
      const shown = ids.slice(0, limit);
      return { ids: shown, next: ids.length > limit ? (shown.at(-1) ?? null) : null };
    },
    async finished({ before, limit }) {
      const found = (await finished(before === undefined ? '+inf' : `(${before}`, limit)) as [string, string, string][];
      return found.map(([id, at, bytes]) => ({ id, finishedAt: Number(at), bytes: Number(bytes) }));
    },
    async stats() {
      const [queued, running, done, bytes, oldest] = (await stats()) as [number, number, number, string, string];
      return { queued, running, finished: done, bytes: Number(bytes), oldestQueuedAt: oldest === '' ? null : Number(oldest) };
    },
    async usage(owner) {
      const [queued, running, bytes] = await client.hmget(keys.owner(encodeOwner(owner)), 'queued', 'running', 'bytes');
      return { queued: Number(queued ?? 0), running: Number(running ?? 0), bytes: Number(bytes ?? 0) };
    },
  };
}
