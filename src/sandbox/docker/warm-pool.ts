import type { Container } from './container.ts';

/** A container with an interpreter that waits for its job. */
export interface WarmContainer {
  container: Container;
  /** Modules that it has imported, by the names that a program's own could have. */
  imported: ReadonlySet<string>;
}

export interface WarmRules {
  /** Containers to keep ready. */
  size: number;
  /** How long a job waits for one that is being made before it starts cold. */
  waitMs: number;
}

export interface WarmEvents {
  trouble(what: string, error: unknown): void;
  /** So many more wait for their jobs, or fewer. */
  ready?(change: number): void;
}

export interface WarmContainers {
  /** One that nobody else will get, or why there is none. */
  take(): Promise<WarmContainer | 'starting' | 'empty' | 'failing'>;
  close(): Promise<void>;
}

const RETRY_MS = 1000;
const MAX_RETRY_MS = 600_000;

/** Keeps containers ready, for one image. They are used once. */
export function createWarmContainers(make: () => Promise<WarmContainer>, rules: WarmRules, events: WarmEvents): WarmContainers {
  const ready: WarmContainer[] = [];
  let told = 0;
  const tellReady = (): void => {
    if (ready.length !== told) events.ready?.(ready.length - told);
    told = ready.length;
  };
  const waiters: (() => void)[] = [];
  let making: Promise<void> | undefined;
  let retryMs = RETRY_MS;
  let retry: NodeJS.Timeout | undefined;
  let failing = false;
  let hadOne = false;
  let closed = false;

  const fill = (): void => {
    making ??= (async () => {
      try {
        while (!closed && ready.length < rules.size) {
          const one = await make();
          failing = false;
          hadOne = true;
          retryMs = RETRY_MS;
          if (closed) await one.container.remove();
          else ready.push(one);
          tellReady();
          // One that has died while it waited is no use to anybody.
          void one.container.gone.then(() => {
            const index = ready.indexOf(one);
            if (index === -1) return;
            ready.splice(index, 1);
            tellReady();
            one.container.remove().catch(() => undefined);
            fill();
          });
          waiters.shift()?.();
        }
      } catch (error) {
        failing = true;
        for (const wake of waiters.splice(0)) wake();
        if (closed) return;
        events.trouble('no warm container could be made; jobs start cold', error);
        retry = setTimeout(fill, retryMs);
        retry.unref();
        retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
      } finally {
        making = undefined;
      }
    })();
  };
  fill();

  return {
    async take() {
      if (ready.length === 0 && !failing && rules.waitMs > 0) {
        fill();
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            clearTimeout(timer);
            resolve();
          };
          // Who has given up must not be woken in another's place.
          const timer = setTimeout(() => {
            waiters.splice(waiters.indexOf(wake), 1);
            resolve();
          }, rules.waitMs);
          waiters.push(wake);
        });
      }
      const one = ready.shift();
      tellReady();
      if (!failing) fill();
      return one ?? (failing ? 'failing' : hadOne ? 'empty' : 'starting');
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      for (const wake of waiters.splice(0)) wake();
      await making;
      const left = ready.splice(0);
      tellReady();
      await Promise.all(left.map(({ container }) => container.remove()));
    },
  };
}
