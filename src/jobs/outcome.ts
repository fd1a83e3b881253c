import type { Cause, Status } from '../api/job.ts';

/** How an attempt ended. A program's failure is a value; only our own faults throw. */
export type Outcome =
  | { kind: 'exited'; code: number }
  | { kind: 'signaled'; signal: string; number: number }
  | { kind: 'timeout' }
  | { kind: 'oom' }
  | { kind: 'output_limit' }
  | { kind: 'disk_limit' }
  | { kind: 'missing_entry' }
  | { kind: 'canceled'; ran: boolean }
  | { kind: 'worker_lost' }
  | { kind: 'internal' };

/** What an attempt used: wall-clock and CPU time of all its processes in milliseconds, peak memory in bytes. */
export interface Usage {
  wallMs: number;
  cpuMs: number;
  maxRssBytes: number;
}

export interface Ending {
  status: Extract<Status, 'succeeded' | 'failed' | 'canceled'>;
  exitCode: number | null;
  signal: string | null;
  cause: Cause | null;
  error: string | null;
}

const SIGKILLED = 137;
const NOT_FOUND = 127;

const failed = (exitCode: number | null, cause: Cause, error: string, signal: string | null = null): Ending => ({
  status: 'failed',
  exitCode,
  signal,
  cause,
  error,
});

/** What the job's record says about an outcome: the table "end | status | exit_code | error" of the wire format. */
export function endingOf(outcome: Outcome): Ending {
  switch (outcome.kind) {
    case 'exited':
      return outcome.code === 0
        ? { status: 'succeeded', exitCode: 0, signal: null, cause: null, error: null }
        : failed(outcome.code, 'exit_nonzero', 'non-zero exit');
    case 'signaled':
      return failed(128 + outcome.number, 'signal', 'non-zero exit', outcome.signal);
    case 'timeout':
      return failed(SIGKILLED, 'timeout', 'timeout');
    case 'oom':
      return failed(SIGKILLED, 'oom', 'out of memory');
    case 'output_limit':
      return failed(SIGKILLED, 'output_limit', 'output limit exceeded');
    case 'disk_limit':
      return failed(SIGKILLED, 'disk_limit', 'disk limit exceeded');
    case 'missing_entry':
      return failed(NOT_FOUND, 'missing_entry', 'missing entry file');
    case 'worker_lost':
      return failed(null, 'worker_lost', 'worker lost');
    case 'internal':
      return failed(null, 'internal', 'internal error');
    case 'canceled':
      return { status: 'canceled', exitCode: outcome.ran ? SIGKILLED : null, signal: null, cause: 'canceled', error: 'canceled' };
  }
}
