import type { Readable } from 'node:stream';
import { decodeEntries, encodeEntries, numbered } from './log-payload.ts';
import type { LogChunk, NewLogEntry } from './store.ts';

/** Where logs of finished jobs are kept, as pieces of bytes. */
export interface LogArchive {
  /** Replaces in one step; content that breaks off changes nothing. */
  keepLog(jobId: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  openLog(jobId: string): Promise<{ size: number; stream(range?: { start: number; end: number }): Readable } | undefined>;
}

/**
 * A log as a file: chunks, one a line, as streams have them; then one line with the index; then where that begins, in 16 digits. So any part of a
 * log is found with two short reads, and one when the index is at hand.
 */
interface Index {
  /** The last entry of each chunk, and where the chunk ends. */
  chunks: [lastSeq: number, end: number][];
}

const TRAILER_BYTES = 16;
/** Small chunks become one. */
const CHUNK_ENTRIES = 500;
const CHUNK_CHARS = 128 * 1024;
/** Parsed indices at hand. */
const MAX_INDICES = 100;

/** The bytes of a log's file. `chunks` are its entries in order; when there are not `lines` of them, this throws, and so nothing is kept. */
export async function* logFile(chunks: AsyncIterable<readonly NewLogEntry[]>, lines: number): AsyncGenerator<Uint8Array> {
  const index: Index = { chunks: [] };
  let entries: NewLogEntry[] = [];
  let chars = 0;
  let seq = 0;
  let end = 0;
  const flush = (): Buffer => {
    const bytes = Buffer.from(`${encodeEntries(entries)}\n`);
    seq += entries.length;
    end += bytes.length;
    index.chunks.push([seq, end]);
    entries = [];
    chars = 0;
    return bytes;
  };
  for await (const chunk of chunks) {
    for (const entry of chunk) {
      entries.push(entry);
      chars += entry.text.length;
      if (entries.length >= CHUNK_ENTRIES || chars >= CHUNK_CHARS) yield flush();
    }
  }
  if (entries.length > 0) yield flush();
  if (seq !== lines) throw new Error(`a log of ${lines} entries has ${seq}`);
  yield Buffer.from(`${JSON.stringify(index)}\n${String(end).padStart(TRAILER_BYTES, '0')}`);
}

const bytesOf = async (stream: Readable): Promise<string> => Buffer.concat((await stream.toArray()) as Buffer[]).toString();

export interface ArchiveReader {
  /** Entries after `after`, as many as make a good piece; undefined at the end, or when there is no such log. */
  chunkAfter(jobId: string, after: number): Promise<LogChunk | undefined>;
  drop(jobId: string): void;
}

export function createArchiveReader(archive: LogArchive): ArchiveReader {
  const indices = new Map<string, Index>();

  const indexOf = async (
    jobId: string,
    file: { size: number; stream(range: { start: number; end: number }): Readable },
  ): Promise<Index> => {
    const known = indices.get(jobId);
    if (known !== undefined) return known;
    const trailerAt = file.size - TRAILER_BYTES;
    const start = Number(await bytesOf(file.stream({ start: trailerAt, end: file.size - 1 })));
    const index = JSON.parse(await bytesOf(file.stream({ start, end: trailerAt - 1 }))) as Index;
    indices.set(jobId, index);
    for (const oldest of indices.keys()) {
      if (indices.size <= MAX_INDICES) break;
      indices.delete(oldest);
    }
    return index;
  };

  return {
    async chunkAfter(jobId, after) {
      const file = await archive.openLog(jobId);
      if (file === undefined) return undefined;
      const { chunks } = await indexOf(jobId, file);
      const at = chunks.findIndex(([lastSeq]) => lastSeq > after);
      const [, end] = chunks[at] ?? [];
      if (end === undefined) return undefined;
      const [before, start] = chunks[at - 1] ?? [0, 0];
      const entries = decodeEntries(await bytesOf(file.stream({ start, end: end - 1 })));
      return numbered(entries.slice(after - before), after + 1);
    },
    drop: (jobId) => void indices.delete(jobId),
  };
}
