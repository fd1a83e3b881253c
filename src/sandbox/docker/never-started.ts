import type { Running } from '../sandbox.ts';

/** Undefined when the signal aborts first. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted.promise]);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A run whose signal has aborted before its program was started. `removed`: when what had been made for it is gone; rejects where nothing was. */
export function neverStarted(removed: Promise<void>): Running {
  const gone = removed.catch(() => undefined);
  return {
    path: 'cold',
    output: (async function* () {})(),
    ended: Promise.resolve({ exit: { kind: 'aborted' }, usage: { wallMs: 0, cpuMs: 0, maxRssBytes: 0 } }),
    async *collect() {},
    dispose: () => gone,
  };
}
