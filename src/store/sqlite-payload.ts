import { STREAMS } from '../api/events.ts';
import type { LogChunk, NewLogEntry } from './store.ts';

/**
 * A stored chunk: its entries column by column. JSON, because it carries every string that JavaScript can hold
 * unchanged, NUL and halves of characters included, which SQLite's text doesn't.
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
