import { constants } from 'node:os';
import type { Job } from '../client/client.ts';

/** How a job ended, as a shell and a person are told. */

/** Of the command itself, as of `docker run`: none that a program is likely to have. */
export const OWN_FAILURE = 125;
const NEVER_RAN = 1;

export const signalExit = (signal: 'SIGINT' | 'SIGTERM' | 'SIGPIPE'): number => 128 + constants.signals[signal];

export const exitCodeOf = (job: Job): number => job.exit_code ?? (job.status === 'succeeded' ? 0 : NEVER_RAN);

/** Why a job ended other than by its program's own will, with what allows more; undefined where its exit code says it all. */
export function endingInWords({ cause, spec, signal }: Job): string | undefined {
  switch (cause) {
    case 'timeout':
      return `ended after ${spec.timeout_sec} s\n  → --timeout SECONDS allows more`;
    case 'oom':
      return `ended, as it used more than ${spec.mem_limit_mb} MiB of memory\n  → --memory MIB allows more`;
    case 'output_limit':
      return `ended, as it printed more than ${spec.output_limit_mb} MiB\n  → --output-limit MIB allows more`;
    case 'disk_limit':
      return `ended, as it wrote more than ${spec.disk_limit_mb} MiB\n  → --disk-limit MIB allows more`;
    case 'missing_entry':
      return `there is no ${spec.entry} among the files that were sent\n  → name another with --entry, or send it with --code`;
    case 'signal':
      return `the program was ended by ${signal ?? 'a signal'}`;
    case 'worker_lost':
      return 'the worker that ran it was lost\n  → try again';
    case 'internal':
      return 'the service failed, not the program\n  → its log has more';
    case 'canceled':
      return 'canceled';
    case 'exit_nonzero':
    case null:
      return undefined;
  }
}
