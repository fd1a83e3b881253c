import type { Logger } from 'pino';

/**
 * Does something at once, then again `everyMs` after each end. What fails is told and tried again. Returns how to stop
 * it, which waits for the round that is under way.
 */
export function repeat(what: string, everyMs: number, logger: Logger, round: () => Promise<void>): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let last: Promise<void>;
  const next = (): void => {
    last = round()
      .catch((error: unknown) => logger.error({ err: error }, `${what} failed; trying again`))
      .then(() => {
        if (!stopped) timer = setTimeout(next, everyMs);
      });
  };
  next();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await last;
  };
}
