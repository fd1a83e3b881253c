import type { LogChunk } from './store.ts';

/** The chunks that were read last, so that many viewers of one log share one object. */
export interface ChunkCache {
  /** The chunk of a job that begins with the entry `firstSeq`. */
  get(jobId: string, firstSeq: number): LogChunk | undefined;
  put(jobId: string, chunk: LogChunk): void;
  /** Forgets a job. */
  drop(jobId: string): void;
}

/** As measured in heap snapshots: small chunks, of which most logs are made, take more for what is around them than for their text. */
const CHUNK_BYTES = 512;
const ENTRY_BYTES = 128;
/** Two in the string, and one in the frames that viewers were sent: those live as long as the chunk that they were made of. */
const BYTES_PER_CHARACTER = 3;

const weigh = (chunk: LogChunk): number =>
  chunk.reduce((sum, entry) => sum + ENTRY_BYTES + entry.text.length * BYTES_PER_CHARACTER, CHUNK_BYTES);

/** Keeps about `maxBytes`; what was not asked for the longest goes first. */
export function createChunkCache(maxBytes: number): ChunkCache {
  // A Map keeps the order of insertion: what is asked for is taken out and put in again at its end.
  const kept = new Map<string, { chunk: LogChunk; bytes: number }>();
  let bytes = 0;

  const keyOf = (jobId: string, firstSeq: number): string => `${jobId}/${firstSeq}`;
  const remove = (key: string): void => {
    bytes -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };

  return {
    get(jobId, firstSeq) {
      const key = keyOf(jobId, firstSeq);
      const found = kept.get(key);
      if (found === undefined) return undefined;
      kept.delete(key);
      kept.set(key, found);
      return found.chunk;
    },
    put(jobId, chunk) {
      const first = chunk[0];
      if (first === undefined) return;
      const key = keyOf(jobId, first.seq);
      remove(key);
      const weight = weigh(chunk);
      kept.set(key, { chunk, bytes: weight });
      bytes += weight;
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break;
        remove(oldest);
      }
    },
    drop(jobId) {
      for (const key of kept.keys()) if (key.startsWith(`${jobId}/`)) remove(key);
    },
  };
}
