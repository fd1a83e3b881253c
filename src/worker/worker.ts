import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Runtimes } from '../runtimes/runtime.ts';
import type { Claim } from '../store/store.ts';
import { runAttempt, type AttemptParts } from './attempt.ts';

export interface WorkerOptions extends AttemptParts {
  concurrency: number;
  drainGraceMs: number;
}

export interface Worker {
  /** Stops claiming, lets running jobs end within the grace time, hands the rest back. */
  drain(): Promise<void>;
}

/** Under which this process claims. Containers on their host's network share its name, and each may count its processes from one. */
export const workerName = `${hostname()}/${process.pid}/${randomBytes(4).toString('hex')}`;

const STORE_TROUBLE_PAUSE_MS = 1000;

const readyNames = (runtimes: Runtimes): string[] =>
  runtimes
    .list()
    .filter((runtime) => runtime.state === 'ready')
    .map((runtime) => runtime.name);

/** Claims and runs jobs, `concurrency` at a time, oldest first. */
export function startWorker(options: WorkerOptions): Worker {
  const { store, runtimes, logger } = options;
  const stopping = new AbortController();
  const handBack = new AbortController();
  /** Aborts waiting claims when what can be run here has changed. */
  let changed = new AbortController();
  const unwatch = runtimes.onChange(() => {
    const before = changed;
    changed = new AbortController();
    before.abort();
  });

  const claimNext = async (): Promise<Claim | undefined> => {
    try {
      return await store.claim({
        worker: workerName,
        leaseMs: options.rules.leaseMs,
        runtimes: readyNames(runtimes),
        signal: AbortSignal.any([stopping.signal, changed.signal]),
      });
    } catch (error) {
      logger.error({ err: error }, 'claiming failed; trying again');
      await delay(STORE_TROUBLE_PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      return undefined;
    }
  };

  const slot = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const claim = await claimNext();
      if (claim !== undefined) await runAttempt(claim, options, handBack.signal);
    }
  };
  const slots = Array.from({ length: options.concurrency }, slot);

  return {
    async drain() {
      unwatch();
      stopping.abort();
      const grace = setTimeout(() => handBack.abort(), options.drainGraceMs);
      await Promise.all(slots);
      clearTimeout(grace);
    },
  };
}
