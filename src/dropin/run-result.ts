import type { JobRecord } from '../store/store.ts';
import type { Output } from './output.ts';

/** How a run ended, in the words of isolate(1), which Piston reports through: https://github.com/ioi/isolate */
export interface RunResult {
  /** Null when a signal ended the program … */
  code: number | null;
  /** … and this null when none did. */
  signal: string | null;
  message: string | null;
  /** Null for a good end; RE exit code, SG signal, TO timeout, OL and EL too much on stdout and stderr. */
  status: 'RE' | 'SG' | 'TO' | 'OL' | 'EL' | null;
  /** Milliseconds. */
  cpu_time: number | null;
  wall_time: number | null;
  /** Bytes, at most at once. */
  memory: number | null;
}

type Ending = Pick<RunResult, 'code' | 'signal' | 'message' | 'status'>;

const killed = (status: 'SG' | 'TO' | 'OL' | 'EL', message: string): Ending => ({ code: null, signal: 'SIGKILL', message, status });

function endingOf({ outcome }: JobRecord, { stdout, stderr }: Pick<Output, 'stdout' | 'stderr'>): Ending {
  switch (outcome?.kind) {
    case 'exited':
      return outcome.code === 0
        ? { code: 0, signal: null, message: null, status: null }
        : { code: outcome.code, signal: null, message: `Exited with error status ${outcome.code}`, status: 'RE' };
    case 'signaled':
      return { code: null, signal: outcome.signal, message: `Caught fatal signal ${outcome.number}`, status: 'SG' };
    case 'timeout':
      return killed('TO', 'Time limit exceeded (wall clock)');
    case 'output_limit':
      return stderr.length > stdout.length ? killed('EL', 'stderr length exceeded') : killed('OL', 'stdout length exceeded');
    case 'oom':
      return killed('SG', 'Caught fatal signal 9 (out of memory)');
    case 'disk_limit':
      return killed('SG', 'Caught fatal signal 9 (disk limit exceeded)');
    case 'canceled':
      return killed('SG', 'Caught fatal signal 9 (canceled)');
    case 'missing_entry':
    case 'worker_lost':
    case 'internal':
    case undefined:
      throw new Error(`a job without a run has no result: ${outcome?.kind ?? 'not over'}`);
  }
}

/** @throws Error for a job that is not over, or whose end was not its program's */
export const runResult = (job: JobRecord, printed: Output): RunResult => ({
  ...endingOf(job, printed),
  cpu_time: job.usage?.cpuMs ?? null,
  wall_time: job.usage?.wallMs ?? null,
  memory: job.usage?.maxRssBytes ?? null,
});
