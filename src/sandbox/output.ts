import type { Readable } from 'node:stream';
import type { OutputChunk } from './sandbox.ts';

/** Unread bytes after which the program is made to wait. */
const HIGH_WATER = 1024 * 1024;

/**
 * The program's output, in order of arrival, at most `maxBytes` of it; `onLimit` is called when there was more, which is
 * then dropped. Ends when every pipe has ended. Not reading it fills the pipes, so that the program waits.
 */
export async function* readOutput(
  pipes: { stdout: Readable; stderr: Readable },
  maxBytes: number,
  onLimit: () => void,
): AsyncGenerator<OutputChunk> {
  const sources = (['stdout', 'stderr'] as const).map((stream) => ({ stream, socket: pipes[stream] }));
  const chunks: OutputChunk[] = [];
  let waiting = 0;
  let taken = 0;
  let open = sources.length;
  let wake = (): void => undefined;

  for (const { stream, socket } of sources) {
    socket.on('data', (data: Buffer) => {
      const bytes = data.subarray(0, maxBytes - taken);
      taken += bytes.length;
      if (bytes.length > 0) chunks.push({ stream, bytes });
      waiting += bytes.length;
      if (waiting > HIGH_WATER) for (const source of sources) source.socket.pause();
      if (bytes.length < data.length) onLimit();
      wake();
    });
    socket.once('close', () => {
      open -= 1;
      wake();
    });
    if (socket.closed) open -= 1;
  }
  try {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        waiting -= chunk.bytes.length;
        if (waiting <= HIGH_WATER / 2) for (const source of sources) source.socket.resume();
      } else if (open === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    for (const { socket } of sources) socket.destroy();
  }
}
