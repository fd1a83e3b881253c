import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors.ts';
import { isSending } from './linger.ts';
import type { App } from './typed-app.ts';

interface Sending {
  bytes: number;
  since: number;
}

/**
 * Ends requests whose body has not gone on for so long: a client that dribbles holds a connection and a folder for uploads. How long a
 * body may take altogether is bounded by Node (`requestTimeout`), as is the head (`headersTimeout`).
 */
export function boundSlowBodies(app: App, idleMs: number): void {
  const sending = new Map<IncomingMessage, Sending>();
  const look = (): void => {
    const now = performance.now();
    for (const [request, before] of sending) {
      if (!isSending(request)) sending.delete(request);
      else if (request.socket.bytesRead > before.bytes) sending.set(request, { bytes: request.socket.bytesRead, since: now });
      else if (now - before.since >= idleMs) {
        sending.delete(request);
        // To whoever reads it, who answers.
        const detail = `nothing more of the body came for ${idleMs / 1000} s`;
        request.emit('error', new ApiError('request_timeout', detail, { headers: { connection: 'close' } }));
      }
    }
  };
  const timer = setInterval(look, Math.max(10, idleMs / 4));
  timer.unref();
  app.addHook('onRequest', async ({ raw }) => {
    if (!isSending(raw)) return;
    sending.set(raw, { bytes: raw.socket.bytesRead, since: performance.now() });
    raw.once('close', () => sending.delete(raw));
  });
  app.addHook('onClose', async () => clearInterval(timer));
}
