import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

const LINGER_MS = 5000;

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Whether the client may still be sending. */
export const isSending = (request: IncomingMessage): boolean => !request.complete && !request.destroyed && hasBody(request);

/**
 * An answer to a client that is still sending. What it sends is thrown away for a while: a connection that is closed with
 * unread bytes in it is reset, and the reset may reach the client before it has read the answer (RFC 9112 §9.6).
 */
export async function* whileReadingAway(answer: Buffer, request: IncomingMessage): AsyncGenerator<Buffer> {
  yield answer;
  if (!isSending(request)) return;
  const over = AbortSignal.timeout(LINGER_MS);
  request.resume();
  // Both come to an end by `over`, and nobody cares how.
  await Promise.race(['end', 'close'].map((event) => once(request, event, { signal: over }).catch(() => undefined)));
}
