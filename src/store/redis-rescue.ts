import type { Redis } from 'ioredis';
import type { Attempts, Freed } from './redis-attempts.ts';
import type { Jobs } from './redis-jobs.ts';
import type { Keys } from './redis-keys.ts';
import { encodeLog } from './redis-log.ts';
import { script } from './redis-lua.ts';
import { queueFor, type Queues } from './redis-queues.ts';
import type { Lease, Rescued, RescueRules } from './store.ts';

// Queued jobs that may run and that BullMQ has no ticket for, from one id on; and the queues in which no ticket waits though jobs do.
const FORGOTTEN = `
local ids = redis.call('ZRANGE', P .. 'status:queued', ARGV[1] == '' and '-' or '(' .. ARGV[1], '+', 'BYLEX', 'LIMIT', 0, ARGV[2])
local found, seen = {}, {}
for _, id in ipairs(ids) do
  local queue, owner = unpack(redis.call('HMGET', jobKey(id), 'queue', 'owner_key'))
  if queue and redis.call('ZSCORE', P .. 'waiting:' .. queue, owner) then
    local bull = ARGV[3] .. ':' .. queue .. ':'
    if redis.call('EXISTS', bull .. id) == 0 then
      table.insert(found, queue)
      table.insert(found, id)
    elseif not seen[queue] and redis.call('LLEN', bull .. 'wait') == 0 then
      table.insert(found, queue)
      table.insert(found, id .. '.' .. ARGV[4])
    end
    seen[queue] = true
  end
end
return {ids[#ids] or '', found}
`;

const AT_A_TIME = 100;
const LOOKED_AT = 500;

export interface RescueParts {
  jobs: Jobs;
  attempts: Attempts;
  queues: Queues;
  /** Hears which leases are over, before anybody can have the next one of the same job. */
  forget: (lease: Lease) => void;
  /** Hears which jobs are over. */
  over: (id: string) => void;
  /** Hears which may run now. */
  freed: (freed: readonly Freed[], because: string) => Promise<void>;
}

export interface Rescue {
  rescue(rules: RescueRules): Promise<Rescued>;
  /** Adds tickets that a crash between the record and BullMQ left out; looks at a part of all queued jobs each time. */
  reconcile(): Promise<void>;
}

export function createRescue(client: Redis, keys: Keys, { jobs, attempts, queues, forget, over, freed }: RescueParts): Rescue {
  const forgotten = script(client, keys.prefix, 'forgotten', FORGOTTEN);
  let from = '';
  let rounds = 0;

  const rescueOne = async (id: string, rules: RescueRules, rescued: Rescued): Promise<void> => {
    const stored = await jobs.find(id);
    if (stored?.token === undefined) return;
    const { job, token } = stored;
    const [what, log] = stored.cancelAsked
      ? (['canceled', rules.canceledLog?.(job) ?? []] as const)
      : job.attempt < rules.maxAttempts
        ? (['requeued', rules.retryLog(job)] as const)
        : (['lost', rules.lostLog(job)] as const);
    const lease = { jobId: id, token };
    const others = await attempts.rescue(lease, what, encodeLog(log));
    if (others === undefined) return;
    forget(lease);
    rescued[what].push(id);
    // The ticket that it was claimed with is no good any more: BullMQ finds it stalled, and whoever gets it uses it for another job or for none.
    if (what === 'requeued') await freed([{ id, queue: queueFor(job.runtime) }], token);
    else over(id);
    await freed(others, token);
  };

  return {
    async rescue(rules) {
      const rescued: Rescued = { requeued: [], lost: [], canceled: [] };
      const count = (): number => rescued.requeued.length + rescued.lost.length + rescued.canceled.length;
      for (;;) {
        const before = count();
        const ids = await attempts.expired(AT_A_TIME);
        for (const id of ids.toSorted()) await rescueOne(id, rules, rescued);
        // What is left, others are at.
        if (ids.length < AT_A_TIME || count() === before) return rescued;
      }
    },
    async reconcile() {
      const [last, found] = (await forgotten(from, LOOKED_AT, keys.queuePrefix, `${process.pid}-${rounds++}`)) as [string, string[]];
      from = last;
      for (let at = 0; at + 1 < found.length; at += 2) await queues.add(found[at] ?? '', found[at + 1] ?? '');
    },
  };
}
