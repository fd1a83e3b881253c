import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Attempts } from './redis-attempts.ts';
import type { Connection } from './redis-connection.ts';
import { isPassing } from './redis-errors.ts';
import { queueFor, type Queues, type Ticket } from './redis-queues.ts';
import type { Claim, ClaimRequest } from './store.ts';

/** A lease that this process holds, with what BullMQ knows of it. */
export interface Held {
  ticket: Ticket;
  cancel: AbortController;
}

export interface Claims {
  claim(request: ClaimRequest): Promise<Claim | undefined>;
  /** By the job's id. */
  readonly held: Map<string, Held>;
}

interface Waiter {
  request: ClaimRequest;
  queues: readonly string[];
  isOver(): boolean;
  deliver(claim: Claim | undefined): void;
  fail(error: unknown): void;
}

const PAUSE_MS = 500;

/**
 * Claiming: BullMQ hands out a ticket, and the records say which job it is for. While claimers of this process wait, one watch for
 * each of their queues waits for all of them.
 */
export function createClaims(connection: Connection, queues: Queues, attempts: Attempts, trouble: (error: unknown) => void): Claims {
  const held = new Map<string, Held>();
  const waiting = new Set<Waiter>();
  const watched = new Set<string>();

  /** Uses a ticket. Undefined when it is good for nothing; then it is gone. */
  const redeem = async (ticket: Ticket, request: ClaimRequest): Promise<Claim | undefined> => {
    const { queue, token } = ticket;
    const askedAt = performance.now();
    const stored = await connection.insist(request.leaseMs, isPassing, () => attempts.claim(queue, token, request.worker, request.leaseMs));
    if (stored === undefined) {
      await queues.done(ticket);
      // A job that came free before this ticket was gone, and whose ticket this was.
      const next = await attempts.next([queue]);
      if (next !== undefined) await queues.add(queue, `${next.id}.${token}`);
      return undefined;
    }
    const cancel = new AbortController();
    if (stored.cancelAsked) cancel.abort();
    held.set(stored.job.id, { ticket, cancel });
    return { job: stored.job, lease: { jobId: stored.job.id, token }, askedAt, canceled: cancel.signal };
  };

  const inOrder = async (names: readonly string[]): Promise<readonly string[]> => {
    if (names.length < 2) return names;
    const next = await attempts.next(names);
    return next === undefined ? names : [next.queue, ...names.filter((name) => name !== next.queue)];
  };

  const claimNow = async (request: ClaimRequest, names: readonly string[]): Promise<Claim | undefined> => {
    for (const name of await inOrder(names)) {
      for (;;) {
        const ticket = await queues.take(name, randomUUID());
        if (ticket === undefined) break;
        const claim = await redeem(ticket, request);
        if (claim !== undefined) return claim;
      }
    }
    return undefined;
  };

  const waiterFor = (name: string): Waiter | undefined => [...waiting].find((waiter) => waiter.queues.includes(name));

  const deliver = async (ticket: Ticket): Promise<void> => {
    const waiter = waiterFor(ticket.queue);
    // Whoever it was for has gone meanwhile.
    if (waiter === undefined) return queues.putBack(ticket);
    waiting.delete(waiter);
    try {
      const claim = await connection.run(() => redeem(ticket, waiter.request));
      if (claim !== undefined || waiter.isOver()) waiter.deliver(claim);
      else waiting.add(waiter);
    } catch (error) {
      waiter.fail(error);
    }
  };

  const watch = async (name: string): Promise<void> => {
    if (watched.has(name)) return;
    watched.add(name);
    try {
      while (!connection.closing.aborted && waiterFor(name) !== undefined) {
        try {
          const ticket = await connection.run(() => queues.waitAndTake(name, randomUUID()));
          if (ticket !== undefined) await deliver(ticket);
        } catch (error) {
          if (connection.closing.aborted) return;
          trouble(error);
          await delay(PAUSE_MS, undefined, { signal: connection.closing }).catch(() => undefined);
        }
      }
    } finally {
      watched.delete(name);
    }
  };

  const wait = (request: ClaimRequest, names: readonly string[]): Promise<Claim | undefined> =>
    new Promise((resolve, reject) => {
      const over = AbortSignal.any([request.signal, connection.closing]);
      if (over.aborted) return resolve(undefined);
      const settle = (act: () => void): void => {
        over.removeEventListener('abort', leave);
        act();
      };
      const waiter: Waiter = {
        request,
        queues: names,
        isOver: () => over.aborted,
        deliver: (claim) => settle(() => resolve(claim)),
        fail: (error) => settle(() => reject(error instanceof Error ? error : new Error(String(error)))),
      };
      const leave = (): void => {
        // One that is being delivered to is in no list; it gets its job.
        if (waiting.delete(waiter) || connection.closing.aborted) waiter.deliver(undefined);
      };
      over.addEventListener('abort', leave);
      waiting.add(waiter);
      for (const name of names) void watch(name);
    });

  return {
    held,
    async claim(request) {
      const names = request.runtimes.map(queueFor);
      const claim = await connection.run(() => claimNow(request, names));
      return claim ?? (request.signal.aborted ? undefined : wait(request, names));
    },
  };
}
