import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { createTurns } from './turns.ts';

/** After how many milliseconds a client that lost its connection comes back. */
const RETRY_MS = 1000;
const RETRY_AFTER_SEC = '5';
/** For viewers of jobs that have just ended, when the service stops. */
const LAST_WORDS_MS = 200;

export const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

export interface Viewer {
  /** Aborts when the client is gone or the service stops. */
  signal: AbortSignal;
  /** Writes, and waits while the client doesn't read. */
  write(bytes: Buffer | string): Promise<void>;
  end(lastWords: string): void;
}

export interface EventStreams {
  /**
   * Answers with an event stream; `serve` writes it. The request needs no particular `accept`.
   *
   * @throws ApiError `too_many_requests` when the caller has as many as it may
   */
  open(request: FastifyRequest, reply: FastifyReply, serve: (viewer: Viewer) => Promise<void>): void;
  /** Cuts off those whose request `isOver` says so of. */
  cut(isOver: (request: FastifyRequest) => boolean): void;
  /** Lets those that are about to end say their last words; ends the others without, so that clients come back to whoever serves then. */
  close(): Promise<void>;
}

async function roomIn(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  try {
    await Promise.race([once(response, 'drain', { signal: gone.signal }), once(response, 'close', { signal: gone.signal })]);
  } finally {
    gone.abort();
  }
}

/** Event streams (WHATWG HTML §9.2), written by hand on the raw response. One timer keeps all of them alive. */
export function createEventStreams(heartbeatMs: number, countViewers: (change: 1 | -1) => void): EventStreams {
  const open = new Map<ServerResponse, { request: FastifyRequest; abort: AbortController }>();
  const viewersOf = new Map<string, number>();
  const countViewer = (owner: string, by: 1 | -1): void => {
    countViewers(by);
    const count = (viewersOf.get(owner) ?? 0) + by;
    if (count === 0) viewersOf.delete(owner);
    else viewersOf.set(owner, count);
  };
  const turn = createTurns();
  const heartbeat = setInterval(() => {
    // Who doesn't read gets none: it would only pile up.
    for (const response of open.keys()) if (!response.writableNeedDrain) response.write(': alive\n\n');
  }, heartbeatMs);
  heartbeat.unref();

  return {
    open(request, reply, serve) {
      const { raw } = reply;
      const { owner, limits } = request.caller;
      if ((viewersOf.get(owner) ?? 0) >= (limits.maxViewers ?? Infinity)) {
        throw new ApiError('too_many_requests', `${limits.maxViewers} of your streams are open already`, {
          headers: { 'retry-after': RETRY_AFTER_SEC },
        });
      }
      reply.hijack();
      raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...SSE_HEADERS });
      if (request.method === 'HEAD') {
        raw.end();
        return;
      }
      const abort = new AbortController();
      const leave = (): void => {
        if (open.delete(raw)) countViewer(owner, -1);
        // With a reason of ours: the one that is made otherwise comes with a stack trace, for each stream.
        abort.abort('the client is gone');
      };
      raw.on('close', leave).on('error', leave);
      open.set(raw, { request, abort });
      countViewer(owner, 1);
      raw.write(`retry: ${RETRY_MS}\n\n`);
      const viewer: Viewer = {
        signal: abort.signal,
        async write(bytes) {
          await turn();
          if (!raw.destroyed && !raw.write(bytes)) await roomIn(raw);
        },
        end(lastWords) {
          raw.end(lastWords);
        },
      };
      serve(viewer).then(
        () => raw.end(),
        (error: unknown) => {
          // Cut off rather than ended: the client comes back and goes on where it was.
          request.log.error({ err: error }, 'an event stream failed');
          raw.destroy();
        },
      );
    },

    cut(isOver) {
      for (const [response, { request }] of open) if (isOver(request)) response.destroy();
    },

    async close() {
      clearInterval(heartbeat);
      for (let waited = 0; open.size > 0 && waited < LAST_WORDS_MS; waited += 20) await delay(20);
      for (const [response, { abort }] of open) {
        abort.abort();
        response.end();
      }
      open.clear();
    },
  };
}

/** A client's place in a log: the sequence number of the last entry that it has. */
export function placeOf(request: FastifyRequest, after: number | undefined): number {
  const header = request.headers['last-event-id'];
  // A browser that comes back repeats the address that it began with: then the header is the newer of the two.
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : (after ?? 0);
}
