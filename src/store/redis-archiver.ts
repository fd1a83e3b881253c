import type { Redis } from 'ioredis';
import { logFile, type LogArchive } from './redis-archive.ts';
import type { Connection } from './redis-connection.ts';
import type { Keys } from './redis-keys.ts';
import type { Log } from './redis-log.ts';
import { script } from './redis-lua.ts';

// What is left of the stream is the mark at its end, for whoever has yet to hear of that.
const ARCHIVED = `
local id = ARGV[1]
redis.call('ZREM', P .. 'archive', id)
if redis.call('EXISTS', jobKey(id)) == 0 then return 0 end
redis.call('HSET', jobKey(id), 'log_archived', 1)
redis.call('XTRIM', logKey(id), 'MAXLEN', 1)
redis.call('PEXPIRE', logKey(id), ARGV[2])
return 1
`;

// Who is told of them has as long as who finished the job: only then others are told.
const LEFT = `
local now = clock(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', P .. 'archive', '-inf', now - ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do redis.call('ZADD', P .. 'archive', now, id) end
return ids
`;

/** Moves the logs of finished jobs out of Redis. Doing it twice, even at once, is doing it once. */
export interface Archiver {
  /** Soon, in this process. */
  add(id: string): void;
  /** What other processes left, because they died or could not. */
  addLeft(): Promise<void>;
  /** Begins nothing more; what waits is left to others. Resolves when nothing is under way any more. */
  end(): Promise<void>;
}

const AT_ONCE = 2;
/** So long those who finish jobs have to do it themselves. */
const LEFT_AFTER_MS = 30_000;
const MAX_WAITING = 100;
/** So long the mark at the end stays: many times what a reader needs to come by. */
const MARK_MS = 60_000;

export function createArchiver(
  connection: Connection,
  { client, keys, now }: { client: Redis; keys: Keys; now: () => string },
  log: Log,
  archive: LogArchive,
  trouble: (error: unknown) => void,
): Archiver {
  const archived = script(client, keys.prefix, 'archived', ARCHIVED);
  const left = script(client, keys.prefix, 'left', LEFT);
  const waiting = new Set<string>();
  const running = new Set<Promise<void>>();

  const move = async (id: string): Promise<void> => {
    const state = await connection.run(() => log.state(id));
    if (state !== undefined && !state.isOver) return;
    if (state !== undefined && !state.isArchived && state.lines > 0) {
      try {
        await archive.keepLog(id, logFile(log.chunks(id), state.lines));
      } catch (error) {
        // Somebody else has moved it meanwhile, or the job was deleted.
        const after = await connection.run(() => log.state(id));
        if (after !== undefined && !after.isArchived) throw error;
      }
    }
    await connection.run(() => archived(id, MARK_MS));
  };

  const next = (): void => {
    while (running.size < AT_ONCE && !connection.closing.aborted) {
      const [id] = waiting;
      if (id === undefined) return;
      waiting.delete(id);
      const moving = move(id)
        .catch((error: unknown) => {
          // It stays on the list in Redis: somebody tries again.
          if (!connection.closing.aborted) trouble(error);
        })
        .finally(() => {
          running.delete(moving);
          next();
        });
      running.add(moving);
    }
  };

  return {
    add(id) {
      waiting.add(id);
      next();
    },
    async addLeft() {
      const room = Math.max(0, MAX_WAITING - waiting.size);
      for (const id of (await left(now(), LEFT_AFTER_MS, room)) as string[]) waiting.add(id);
      next();
    },
    async end() {
      waiting.clear();
      while (running.size > 0) await Promise.all(running);
    },
  };
}
