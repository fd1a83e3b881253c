import { writeSync } from 'node:fs';
import { pino, type Logger } from 'pino';

const STDERR = 2;

/** A terminal that was closed, or a reader that is gone or full, must neither stop the service nor keep it from ending. */
const stderr = {
  write(line: string): void {
    try {
      writeSync(STDERR, line);
    } catch {
      // There is nobody left to be told.
    }
  },
};

/** The service's own log: JSON lines on stderr, so that stdout stays for what is meant for people. */
export const createLogger = (level: string): Logger => pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stderr);
