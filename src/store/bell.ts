/** Wakes whoever waits for news about something. Waiting costs a closure; news that nobody waits for costs a look-up. */
export interface Bell {
  /** Resolves at the next `ring` of the key, or as soon as the signal aborts. */
  heard(key: string, signal: AbortSignal): Promise<void>;
  ring(key: string): void;
  ringAll(): void;
  isAwaited(key: string): boolean;
}

export function createBell(): Bell {
  const waiting = new Map<string, Set<() => void>>();

  const ring = (key: string): void => {
    const waiters = waiting.get(key);
    // Removed first: who is woken may wait again at once, and that is for the next ring.
    waiting.delete(key);
    for (const wake of waiters ?? []) wake();
  };

  return {
    heard: (key, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const waiters = waiting.get(key) ?? new Set();
        waiting.set(key, waiters);
        const wake = (): void => {
          signal.removeEventListener('abort', abandon);
          resolve();
        };
        const abandon = (): void => {
          waiters.delete(wake);
          if (waiters.size === 0 && waiting.get(key) === waiters) waiting.delete(key);
          wake();
        };
        waiters.add(wake);
        signal.addEventListener('abort', abandon);
      }),
    ring,
    ringAll: () => [...waiting.keys()].forEach(ring),
    isAwaited: (key) => waiting.has(key),
  };
}
