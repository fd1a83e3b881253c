import type { Redis } from 'ioredis';
import { isFinal } from '../jobs/state.ts';
import type { Status } from '../api/job.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { decodeEntries, encodeEntries, numbered, pieces } from './log-payload.ts';
import type { ArchiveReader } from './redis-archive.ts';
import type { EncodedLog } from './redis-attempts.ts';
import type { Keys } from './redis-keys.ts';
import { script } from './redis-lua.ts';
import type { LogChunk, LogEntry, NewLogEntry } from './store.ts';

/** What a follower has to know of a job. */
export interface LogState {
  lines: number;
  isOver: boolean;
  isArchived: boolean;
}

export interface Log {
  /** Undefined: there is no such job. */
  state(id: string): Promise<LogState | undefined>;
  /** What follows the entry `after`, if it has just been read for somebody else. */
  atHand(id: string, after: number): LogChunk | undefined;
  /** What follows the entry `after`, as much as makes a good piece; undefined at the end. */
  chunkAfter(id: string, after: number): Promise<LogChunk | undefined>;
  read(id: string, after: number, limit: number): Promise<LogEntry[]>;
  /** All chunks of a log that is alive. */
  chunks(id: string): AsyncGenerator<readonly NewLogEntry[]>;
  drop(id: string): void;
}

// Chunks behind an entry, until they make a good piece: asked for by their number, large ones would be sent only to be thrown away.
const PIECE = `
local id, after, from, maxChunks, maxEntries, maxBytes = unpack(ARGV)
local found, bytes = {}, 0
for at = 1, maxChunks do
  local entry = redis.call('XRANGE', logKey(id), from, '+', 'COUNT', 1)[1]
  if not entry then break end
  found[at] = entry
  from = '(' .. entry[1]
  bytes = bytes + #entry[2][2]
  if bytes >= tonumber(maxBytes) or string.match(entry[1], '^%d+') - after >= tonumber(maxEntries) then break end
end
return found
`;

/** Small chunks are read together up to these. */
const READ_ENTRIES = 500;
const READ_BYTES = 128 * 1024;
const READ_CHUNKS = 64;

/** An entry of a stream: its id begins with the number of the last log entry in it. */
type StreamEntry = [id: string, fields: string[]];

export interface StreamChunk {
  lastSeq: number;
  firstSeq: number;
  entries: NewLogEntry[];
}

/** Undefined for the mark at a log's end. */
export function parseStreamEntry([id, [kind, payload]]: StreamEntry): StreamChunk | undefined {
  if (kind !== 'c' || payload === undefined) return undefined;
  const lastSeq = Number.parseInt(id, 10);
  const entries = decodeEntries(payload);
  return { lastSeq, firstSeq: lastSeq - entries.length + 1, entries };
}

/** Entries as the arguments of scripts. */
export const encodeLog = (entries: readonly NewLogEntry[]): EncodedLog =>
  [...pieces(entries)].flatMap((piece) => [piece.length, encodeEntries(piece)]);

export function createLog(client: Redis, keys: Keys, cache: ChunkCache, archive: ArchiveReader): Log {
  /** Reads under way: those who want the same part get the same. */
  const loading = new Map<string, Promise<LogChunk | undefined>>();
  const piece = script(client, keys.prefix, 'piece', PIECE);

  const state = async (id: string): Promise<LogState | undefined> => {
    const [status, lines, archived] = await client.hmget(keys.job(id), 'status', 'log_lines', 'log_archived');
    if (typeof status !== 'string') return undefined;
    return { lines: Number(lines ?? 0), isOver: isFinal(status as Status), isArchived: archived === '1' };
  };

  const fromStream = async (id: string, after: number): Promise<LogChunk | undefined> => {
    const found = (await piece(id, after, `${after + 1}-0`, READ_CHUNKS, READ_ENTRIES, READ_BYTES)) as StreamEntry[];
    const entries: NewLogEntry[] = [];
    for (const each of found) {
      const chunk = parseStreamEntry(each);
      // The stream has been cut, since the log is in the archive now.
      if (chunk === undefined || chunk.firstSeq > after + 1 + entries.length) break;
      entries.push(...chunk.entries.slice(after + 1 + entries.length - chunk.firstSeq));
    }
    return entries.length === 0 ? undefined : numbered(entries, after + 1);
  };

  const load = async (id: string, after: number): Promise<LogChunk | undefined> => {
    const live = await fromStream(id, after);
    if (live !== undefined) return live;
    const now = await state(id);
    return now?.isArchived === true && now.lines > after ? archive.chunkAfter(id, after) : undefined;
  };

  const chunkAfter = async (id: string, after: number): Promise<LogChunk | undefined> => {
    const cached = cache.get(id, after + 1);
    if (cached !== undefined) return cached;
    const key = `${id}/${after}`;
    const begun = loading.get(key);
    if (begun !== undefined) return begun;
    const loaded = load(id, after)
      .then((chunk) => {
        if (chunk !== undefined) cache.put(id, chunk);
        return chunk;
      })
      .finally(() => loading.delete(key));
    loading.set(key, loaded);
    return loaded;
  };

  return {
    state,
    atHand: (id, after) => cache.get(id, after + 1),
    chunkAfter,
    async read(id, after, limit) {
      const entries: LogEntry[] = [];
      // A deleted job's chunks may still be at hand.
      if ((await state(id)) === undefined) return entries;
      while (entries.length < limit) {
        const chunk = await chunkAfter(id, entries.at(-1)?.seq ?? after);
        if (chunk === undefined) break;
        entries.push(...chunk.slice(0, limit - entries.length));
      }
      return entries;
    },
    async *chunks(id) {
      for (let after = 0; ;) {
        const chunk = await fromStream(id, after);
        if (chunk === undefined) return;
        yield chunk;
        after = chunk.at(-1)?.seq ?? after;
      }
    },
    drop(id) {
      cache.drop(id);
      archive.drop(id);
    },
  };
}
