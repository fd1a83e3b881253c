import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors.ts';
import { isSending } from './linger.ts';
import type { App } from './typed-app.ts';

interface Sending {
  bytes: number;
  since: number;
  /** Whoever reads it has been told. */
  told: boolean;
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
      else if (request.socket.bytesRead > before.bytes) sending.set(request, { ...before, bytes: request.socket.bytesRead, since: now });
      else if (now - before.since < idleMs) continue;
      else if (before.told) request.destroy();
      else {
        sending.set(request, { ...before, since: now, told: true });
        // To whoever reads it, who answers. Where nobody does, the connection is cut after as long again.
        const detail = `nothing more of the body came for ${idleMs / 1000} s`;
        request.emit('error', new ApiError('request_timeout', detail, { headers: { connection: 'close' } }));
      }
    }
  };
  const timer = setInterval(look, Math.max(10, idleMs / 4));
  timer.unref();
  app.addHook('onRequest', async ({ raw }) => {
    if (!isSending(raw)) return;
    // An error that nobody listens for ends the process, and there are requests whose body nobody reads.
    raw.on('error', () => undefined);
    sending.set(raw, { bytes: raw.socket.bytesRead, since: performance.now(), told: false });
    raw.once('close', () => sending.delete(raw));
  });
  app.addHook('onClose', async () => clearInterval(timer));
}
