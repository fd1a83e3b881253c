import type { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bell } from './bell.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { numbered } from './log-payload.ts';
import type { Connection } from './redis-connection.ts';
import type { Keys } from './redis-keys.ts';
import { parseStreamEntry } from './redis-log.ts';

/** Reads what comes to the logs that somebody follows here: one connection, however many logs and viewers. */
export interface Reader {
  /** One more follower of a log. */
  join(id: string): Following;
  /** The job is gone: whoever follows has to look. */
  forget(id: string): void;
}

export interface Following {
  /** Whether all behind the entry `after` will come by itself: then there is nothing to look for. */
  isAtEdge(after: number): boolean;
  /** Begins to read behind the entry `lines`, the last there was. */
  start(lines: number): void;
  /** Resolves when something has come that is behind the edge, or when the signal aborts. */
  news(signal: AbortSignal): Promise<void>;
  leave(): void;
}

interface Followed {
  followers: number;
  /** What has been read, as a stream's id; undefined while nobody waits for more. */
  position: string | undefined;
  /** The last entry read. */
  seq: number;
  heardAt: number;
}

/** So long a read waits at most: shorter than a command may take. */
const BLOCK_MS = 1000;
const CHUNKS_AT_A_TIME = 100;
const PAUSE_MS = 250;
/** After so long a silence followers look for themselves: Redis may have lost what they wait for. */
const SILENCE_MS = 30_000;

/**
 * Positions are given explicitly: "whatever comes from now on" would lose what comes between two reads. A reader that waits is
 * called off by its connection's number when there is one more log to read.
 */
export function createReader(connection: Connection, keys: Keys, bell: Bell, cache: ChunkCache, trouble: (error: unknown) => void): Reader {
  const logs = new Map<string, Followed>();
  let redis: Redis | undefined;
  let running = false;
  /** Counts the logs that were added; and how many of them the reader has asked for. */
  let wanted = 0;
  let known = 0;
  let clientId: number | undefined;

  const callOff = async (): Promise<void> => {
    const version = wanted;
    // The read may not have arrived yet where it is to be called off: then once more.
    while (known < version && running && !connection.closing.aborted) {
      if (clientId !== undefined) await connection.client.client('UNBLOCK', clientId).catch(() => undefined);
      await delay(1);
    }
  };

  const take = (id: string, entries: [id: string, fields: string[]][]): void => {
    const followed = logs.get(id);
    if (followed?.position === undefined) return;
    for (const entry of entries) {
      const chunk = parseStreamEntry(entry);
      followed.position = entry[0];
      if (chunk === undefined) {
        // The mark at the end: nothing comes by itself any more.
        followed.position = undefined;
        break;
      }
      cache.put(id, numbered(chunk.entries, chunk.firstSeq));
      followed.seq = chunk.lastSeq;
    }
    followed.heardAt = performance.now();
    bell.ring(id);
  };

  const round = async (reader: Redis): Promise<void> => {
    const silentSince = performance.now() - SILENCE_MS;
    for (const [id, followed] of logs) {
      if (followed.position === undefined || followed.heardAt > silentSince) continue;
      followed.position = undefined;
      bell.ring(id);
    }
    const read = [...logs].flatMap(([id, { position }]) => (position === undefined ? [] : [{ id, key: keys.log(id), position }]));
    if (read.length === 0) return;
    const version = wanted;
    const reading = reader.xread(
      'COUNT',
      CHUNKS_AT_A_TIME,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      ...read.map(({ key }) => key),
      ...read.map(({ position }) => position),
    );
    known = version;
    const idOf = new Map(read.map(({ id, key }) => [key, id]));
    for (const [key, entries] of (await reading) ?? []) take(idOf.get(key) ?? '', entries);
  };

  const isNeeded = (): boolean => [...logs.values()].some(({ position }) => position !== undefined);

  const run = async (): Promise<void> => {
    if (running) return;
    running = true;
    if (redis === undefined) {
      redis = connection.another('reader');
      redis.on('ready', () => (clientId = undefined));
    }
    while (isNeeded() && !connection.closing.aborted) {
      try {
        clientId ??= await redis.client('ID');
        await round(redis);
      } catch (error) {
        if (connection.closing.aborted) break;
        clientId = undefined;
        trouble(error);
        await delay(PAUSE_MS);
      }
    }
    running = false;
  };

  return {
    join(id) {
      const followed = logs.get(id) ?? { followers: 0, position: undefined, seq: 0, heardAt: 0 };
      followed.followers += 1;
      logs.set(id, followed);
      return {
        isAtEdge: (after) => followed.position !== undefined && followed.seq <= after,
        start(lines) {
          if (followed.position !== undefined) return;
          Object.assign(followed, { position: `${lines}-0`, seq: lines, heardAt: performance.now() });
          wanted += 1;
          if (running) void callOff();
          else void run();
        },
        news: (signal) => bell.heard(id, signal),
        leave() {
          followed.followers -= 1;
          if (followed.followers === 0 && logs.get(id) === followed) logs.delete(id);
        },
      };
    },
    forget(id) {
      const followed = logs.get(id);
      if (followed !== undefined) followed.position = undefined;
      bell.ring(id);
    },
  };
}
