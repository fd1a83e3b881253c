import { bytesInWords } from './terminal.ts';

/** Less is sent before anybody would read it. */
const WORTH_SHOWING_BYTES = 2 * 1024 ** 2;
const EVERY_MS = 100;
/** To the line's start, and nothing on it. */
const CLEAR_LINE = '\r\u001b[K';

const sizeOf = (form: FormData): number => [...form.values()].reduce((sum, value) => sum + (typeof value === 'string' ? 0 : value.size), 0);

/** `fetch` that shows on a terminal how much of a large upload has been sent. */
export function fetchWithProgress(terminal: NodeJS.WriteStream): typeof fetch {
  return async (input, init) => {
    const total = init?.body instanceof FormData ? sizeOf(init.body) : 0;
    if (!terminal.isTTY || total < WORTH_SHOWING_BYTES) return fetch(input, init);
    // The form as it goes over the wire, to be counted on its way.
    const request = new Request(input, init);
    let sent = 0;
    let shownAt = 0;
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sent += chunk.byteLength;
        controller.enqueue(chunk);
        if (performance.now() - shownAt < EVERY_MS) return;
        shownAt = performance.now();
        const share = Math.min(100, Math.floor((sent / total) * 100));
        terminal.write(`${CLEAR_LINE}Sending ${bytesInWords(total)}: ${share} %`);
      },
    });
    const counted: RequestInit & { duplex: 'half' } = {
      method: request.method,
      headers: request.headers,
      signal: request.signal,
      body: request.body?.pipeThrough(counter) ?? null,
      duplex: 'half',
    };
    try {
      return await fetch(request.url, counted);
    } finally {
      terminal.write(CLEAR_LINE);
    }
  };
}
