import type { DatabaseSync } from 'node:sqlite';
import type { ChunkCache } from './chunk-cache.ts';
import { decodeEntries, encodeEntries, numbered, pieces } from './log-payload.ts';
import type { LogChunk, LogEntry, NewLogEntry } from './store.ts';

export interface Log {
  /** Writes entries after the entry `after`, within the caller's transaction. Returns the bytes they take. */
  write(jobId: string, after: number, entries: readonly NewLogEntry[]): number;
  /** Keeps entries that have just been written at hand for those who wait for them. */
  remember(jobId: string, after: number, entries: readonly NewLogEntry[]): void;
  /** What follows the entry `after`, as much as makes a good piece; undefined at the end. */
  chunkAfter(jobId: string, after: number): LogChunk | undefined;
  read(jobId: string, after: number, limit: number): LogEntry[];
}

/** Small chunks are read together up to these. */
const READ_ENTRIES = 500;
const READ_CHARS = 128 * 1024;
const READ_ROWS = 64;

interface ChunkRow {
  first_seq: number;
  payload: string;
}

export function createLog(db: DatabaseSync, cache: ChunkCache): Log {
  const insert = db.prepare('INSERT INTO log_chunks (job_id, first_seq, payload) VALUES (?, ?, ?)');
  // From the chunk that holds the first entry asked for.
  const rowsFrom = db.prepare(`
    SELECT first_seq, payload FROM log_chunks
    WHERE job_id = $id AND first_seq >= coalesce((SELECT max(first_seq) FROM log_chunks WHERE job_id = $id AND first_seq <= $seq), 1)
    ORDER BY first_seq LIMIT ${READ_ROWS}`);

  const load = (jobId: string, seq: number): LogChunk => {
    const entries: NewLogEntry[] = [];
    let firstSeq: number | undefined;
    let chars = 0;
    for (const row of rowsFrom.iterate({ id: jobId, seq }) as Iterable<ChunkRow>) {
      firstSeq ??= row.first_seq;
      entries.push(...decodeEntries(row.payload));
      chars += row.payload.length;
      if (entries.length >= READ_ENTRIES || chars >= READ_CHARS) break;
    }
    if (firstSeq === undefined) return [];
    const skipped = Math.max(0, seq - firstSeq);
    return numbered(entries.slice(skipped), firstSeq + skipped);
  };

  const chunkAfter = (jobId: string, after: number): LogChunk | undefined => {
    const cached = cache.get(jobId, after + 1);
    if (cached !== undefined) return cached;
    const chunk = load(jobId, after + 1);
    if (chunk.length === 0) return undefined;
    cache.put(jobId, chunk);
    return chunk;
  };

  return {
    write(jobId, after, entries) {
      let firstSeq = after + 1;
      let bytes = 0;
      for (const piece of pieces(entries)) {
        const payload = encodeEntries(piece);
        insert.run(jobId, firstSeq, payload);
        firstSeq += piece.length;
        bytes += Buffer.byteLength(payload);
      }
      return bytes;
    },
    remember(jobId, after, entries) {
      let firstSeq = after + 1;
      for (const piece of pieces(entries)) {
        cache.put(jobId, numbered(piece, firstSeq));
        firstSeq += piece.length;
      }
    },
    chunkAfter,
    read(jobId, after, limit) {
      const entries: LogEntry[] = [];
      while (entries.length < limit) {
        const chunk = chunkAfter(jobId, entries.at(-1)?.seq ?? after);
        if (chunk === undefined) break;
        entries.push(...chunk.slice(0, limit - entries.length));
      }
      return entries;
    },
  };
}
