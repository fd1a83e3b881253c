import { JobRunnerError } from './error.ts';

/** Answers that say "not now": a service that starts or is busy, and what proxies say of one that is not there. */
const PASSING = new Set([429, 502, 503, 504]);
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 10_000;

export const isPassing = (error: unknown): boolean =>
  error instanceof JobRunnerError && (error.code === 'unreachable' || PASSING.has(error.status));

/** Resolves after a while; rejects with the signal's reason as soon as it aborts. */
export function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

/** How long to go on trying, and how long to wait between two tries. */
export interface Patience {
  /**
   * After a failure: waits, or throws the failure when it will not pass, or when it has gone on for too long.
   * Delays grow, and no two clients that lost the same service come back in the same moment.
   */
  after(error: unknown, signal: AbortSignal | undefined): Promise<void>;
  /** There was an answer: the next failure is the first again. */
  renew(): void;
}

export function patience(forMs: number, firstDelayMs = FIRST_DELAY_MS): Patience {
  let failingSince: number | undefined;
  let delayMs = firstDelayMs;
  return {
    async after(error, signal) {
      signal?.throwIfAborted();
      if (!isPassing(error)) throw error;
      failingSince ??= performance.now();
      const askedMs = error instanceof JobRunnerError ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = Math.max(askedMs, delayMs * (0.5 + Math.random() / 2));
      if (performance.now() - failingSince + waitMs > forMs) throw error;
      delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
      await delay(waitMs, signal);
    },
    renew() {
      failingSince = undefined;
      delayMs = firstDelayMs;
    },
  };
}
