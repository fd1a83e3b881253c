import type { FastifyRequest } from 'fastify';
import type { Sender } from '../jobs/submit.ts';

/** W3C Trace Context §3.2: version ff and ids of zeros only are invalid. What later versions add at the end is left out. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?=$|-)/;
const VERSION_0_CHARS = 55;

/** The trace that a request says it belongs to; undefined where it says nothing that can be used (§3.2.2.5). */
export function traceparentOf(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const given = header.trim();
  if (given.startsWith('00') && given.length !== VERSION_0_CHARS) return undefined;
  return TRACEPARENT.exec(given)?.[0];
}

/** Who sends a job with this request. */
export const senderOf = ({ caller, id, headers }: FastifyRequest): Sender => ({
  caller,
  requestId: id,
  traceparent: traceparentOf(headers['traceparent']),
});
