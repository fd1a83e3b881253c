import { STREAMS } from '../api/events.ts';
import type { LogChunk, NewLogEntry } from './store.ts';

/** A stored chunk is no larger, but for a single entry that is. */
const MAX_CHUNK_ENTRIES = 1000;
const MAX_CHUNK_CHARS = 512 * 1024;
/**
 * A stored chunk: its entries column by column. JSON, because it carries every string that JavaScript can hold
 * unchanged, NUL and halves of characters included, which SQLite's text and Redis' Lua don't.
 */
type Payload = [streams: string, firstAt: number, sinceFirst: number[], texts: string[]];

export function encodeEntries(entries: readonly NewLogEntry[]): string {
  const firstAt = entries[0]?.at ?? 0;
  const payload: Payload = [
    entries.map((entry) => STREAMS.indexOf(entry.stream)).join(''),
    firstAt,
    entries.map((entry) => entry.at - firstAt),
    entries.map((entry) => entry.text),
  ];
  return JSON.stringify(payload);
}

export function decodeEntries(payload: string): NewLogEntry[] {
  const [streams, firstAt, sinceFirst, texts] = JSON.parse(payload) as Payload;
  return texts.map((text, index) => ({
    stream: STREAMS[Number(streams[index])] ?? 'runner',
    at: firstAt + (sinceFirst[index] ?? 0),
    text,
  }));
}

export const numbered = (entries: readonly NewLogEntry[], firstSeq: number): LogChunk =>
  Object.freeze(entries.map(({ stream, at, text }, index) => Object.freeze({ seq: firstSeq + index, stream, at, text })));

/** Entries as chunks of a size that is good to store. */
export function* pieces(entries: readonly NewLogEntry[]): Generator<readonly NewLogEntry[]> {
  let start = 0;
  let chars = 0;
  for (const [index, entry] of entries.entries()) {
    const isFull = index - start >= MAX_CHUNK_ENTRIES || chars + entry.text.length > MAX_CHUNK_CHARS;
    if (isFull && index > start) {
      yield entries.slice(start, index);
      start = index;
      chars = 0;
    }
    chars += entry.text.length;
  }
  if (start < entries.length) yield start === 0 ? entries : entries.slice(start);
}
