import { pino, type Logger } from 'pino';

/** The service's own log: JSON lines on stderr, so that stdout stays for what is meant for people. */
export const createLogger = (level: string): Logger =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
