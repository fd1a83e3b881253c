import type { Logger } from 'pino';
import { StartError } from '../errors.ts';

/** Signals that come so close together are one wish. */
const SAME_SIGNAL_MS = 1000;

/** Lives until it is told to stop: starts something, and stops it at SIGTERM or SIGINT. */
export async function runUntilSignal(logger: Logger, drainGraceMs: number, start: () => Promise<{ stop(): Promise<void> }>): Promise<void> {
  // An error that nobody caught leaves the process in a state that nobody knows; what was running is rescued.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      logger.fatal({ err: error }, event);
      process.exit(70);
    });
  }
  // Heard from the beginning: who starts us may tell us to stop as soon as we have said that we are there.
  const starting = start();
  let stoppingSince: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // A terminal or a service manager may signal us and our parent at once, and our parent passes it on.
      if (stoppingSince !== undefined && performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
      if (stoppingSince !== undefined) {
        logger.warn('stopped at once, as asked twice; running jobs are rescued');
        process.exit(1);
      }
      stoppingSince = performance.now();
      logger.info(`${signal}: stopping; running jobs may go on for ${drainGraceMs / 1000} s (once more stops at once)`);
      // What could not be started is told by whoever waits for it below.
      void starting.then((running) => running.stop().then(() => process.exit(0))).catch(() => undefined);
    });
  }
  await starting;
}

/** Ends the process for what kept it from starting, in words for people where there are any. */
export function refuseToStart(error: unknown): never {
  if (error instanceof StartError) process.stderr.write(`\n${error.message}\n  → ${error.remedy}\n\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
