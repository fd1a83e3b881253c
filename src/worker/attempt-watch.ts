import type { Outcome } from '../jobs/outcome.ts';
import type { ColdReason, StartPath } from '../sandbox/sandbox.ts';
import type { JobRecord } from '../store/store.ts';

/** How an attempt ended for the job: with an outcome; in the queue again; or without a say, for somebody else has the job now. */
export type AttemptEnd = { kind: 'finished'; outcome: Outcome } | { kind: 'handed_back' } | { kind: 'lost' };

/** What becomes of an attempt, told as it happens: for metrics and traces. Nothing here may throw. */
export interface AttemptWatch {
  /** Variables for the program, where its job sets none of the same names. */
  readonly environment: Readonly<Record<string, string>>;
  /** The program runs. Told once more where its sandbox was lost through no fault of the program. */
  started(path: StartPath, coldBecause: ColdReason | undefined): void;
  /** The program is over; what it left is being collected. */
  ran(): void;
  collected(): void;
  over(end: AttemptEnd): void;
}

/** Called when a job has been claimed. */
export type WatchAttempt = (job: JobRecord) => AttemptWatch;

const nothing = (): void => undefined;

/** The program still hears of the trace that its job belongs to. */
export const unwatched: WatchAttempt = ({ traceparent }) => ({
  environment: traceparent === null ? {} : { TRACEPARENT: traceparent },
  started: nothing,
  ran: nothing,
  collected: nothing,
  over: nothing,
});

/** One that tells all of these. */
export const watchAll =
  (...watches: WatchAttempt[]): WatchAttempt =>
  (job) => {
    const all = watches.map((watch) => watch(job));
    const each = (tell: (one: AttemptWatch) => void): void => all.forEach(tell);
    return {
      environment: Object.assign({}, ...all.map(({ environment }) => environment)) as Record<string, string>,
      started: (path, coldBecause) => each((one) => one.started(path, coldBecause)),
      ran: () => each((one) => one.ran()),
      collected: () => each((one) => one.collected()),
      over: (end) => each((one) => one.over(end)),
    };
  };
