import type { events } from '../api/events.ts';
import type { LogChunk, LogEntry } from '../store/store.ts';

/** Log entries as server-sent events. A chunk's frames are made once, however many viewers it has. */

/** Not `Buffer.from`: that cuts small ones out of slabs of 64 KiB, and one that is kept would keep all of its slab. */
function ownBuffer(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

const remembered = (render: (entry: LogEntry) => string): ((chunk: LogChunk) => Buffer) => {
  const frames = new WeakMap<LogChunk, Buffer>();
  return (chunk) => {
    let bytes = frames.get(chunk);
    if (bytes === undefined) frames.set(chunk, (bytes = ownBuffer(chunk.map(render).join(''))));
    return bytes;
  };
};

/** A field's value ends at a line feed or a carriage return, so neither may be in one. */
function dataLines(text: string): string {
  const line = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (!line.includes('\r') && !line.includes('\n')) return `data: ${line}\n`;
  return (line.endsWith('\r') ? line.slice(0, -1) : line)
    .split(/[\r\n]/)
    .map((part) => `data: ${part}\n`)
    .join('');
}

/** As the original service sent them: unnamed, one for each line. */
export const lineFrames = remembered((entry) => `id: ${entry.seq}\n${dataLines(entry.text)}\n`);

/** Named by their stream, with JSON for data. */
export const namedFrames = remembered(
  ({ seq, at, stream, text }) => `event: ${stream}\nid: ${seq}\ndata: ${JSON.stringify({ seq, at: new Date(at).toISOString(), text })}\n\n`,
);

export const namedFrame = (name: Exclude<keyof typeof events, 'stdout' | 'stderr' | 'runner'>, data: unknown): string =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

export const LAST_WORDS = 'event: end\ndata: complete\n\n';
