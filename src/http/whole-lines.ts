import type { LogChunk, LogEntry } from '../store/store.ts';

/** Longer than this a line is not held back: it would be in memory once for each viewer. */
const MAX_HELD_CHARS = 64 * 1024;

/** A progress bar as it stands: written before its line has ended, so that it is seen (worker/log-writer.ts). */
const isHalf = ({ stream, text }: LogEntry): boolean =>
  stream !== 'runner' && !text.endsWith('\n') && text.includes('\r') && text.length <= MAX_HELD_CHARS;

/**
 * The log as the original service sent it: a line is one entry, however long it took. What came of one in halves is put
 * together, under the number of its last half, so that whoever resumes has either all of it or none. Chunks without
 * halves pass as they are.
 */
export async function* wholeLines(chunks: AsyncIterable<LogChunk>): AsyncGenerator<LogChunk, void, undefined> {
  let half: LogEntry | undefined;
  for await (const chunk of chunks) {
    if (half === undefined && !chunk.some(isHalf)) {
      yield chunk;
      continue;
    }
    const whole: LogEntry[] = [];
    for (const entry of chunk) {
      let line = entry;
      if (half?.stream === entry.stream) line = { ...entry, text: half.text + entry.text };
      // Another stream's words come between: held any longer, this would be numbered out of order.
      else if (half !== undefined) whole.push(half);
      half = isHalf(line) ? line : undefined;
      if (half === undefined) whole.push(line);
    }
    if (whole.length > 0) yield whole;
  }
  if (half !== undefined) yield [half];
}
