import type { Job } from '../../../src/client/client.ts';
import { bytes, duration, plural } from '../words.ts';

/** Why a job did not succeed, in plain words, and what one can do. */
export interface Ending {
  what: string;
  todo: string;
  /** A field of the form that has to do with it. */
  field?: string;
}

export function endingOf({ cause, spec, signal, exit_code: code, usage, attempt }: Job): Ending | undefined {
  switch (cause) {
    case null:
      return undefined;
    case 'exit_nonzero':
      return {
        what: `The program ended with exit code ${code ?? 'unknown'}.`,
        todo:
          code === 1
            ? 'Usually an exception: the end of the log tells which, and the line it came from.'
            : 'The program chose this code itself; the end of the log may say why.',
      };
    case 'signal':
      return {
        what: `The program was killed by ${signal ?? 'a signal'}.`,
        todo:
          signal === 'SIGSEGV' || signal === 'SIGABRT' || signal === 'SIGBUS'
            ? 'Native code in a package crashed. Try a smaller input, or another version of the package.'
            : 'It, or something it started, sent the signal.',
      };
    case 'timeout':
      return {
        what: `The program was stopped after ${plural(spec.timeout_sec, 'second')}: that is its time limit.`,
        todo:
          usage !== null && usage.cpu_ms < usage.wall_ms / 10
            ? `It computed for only ${duration(usage.cpu_ms)} of that, so it was waiting: for input, for the network, or asleep.`
            : 'Allow more time, or give it less to do.',
        field: 'timeout_sec',
      };
    case 'oom':
      return {
        what: `The program needed more than the ${spec.mem_limit_mb} MiB of memory that it may use.`,
        todo: `Allow more memory, or work in smaller pieces. Files that it writes count, too${usage === null ? '' : `; its peak was ${bytes(usage.max_rss_bytes)}`}.`,
        field: 'mem_limit_mb',
      };
    case 'output_limit':
      return {
        what: `The program printed more than ${spec.output_limit_mb} MiB.`,
        todo: 'Print less, write it into a file, or allow more output.',
        field: 'output_limit_mb',
      };
    case 'disk_limit':
      return {
        what: `The program wrote more than ${spec.disk_limit_mb} MiB of files.`,
        todo: 'Write less, remove what is not needed any more, or allow more.',
        field: 'disk_limit_mb',
      };
    case 'missing_entry':
      return {
        what: `There is no ${spec.entry} among the files that were sent.`,
        todo: 'Name the file that is to run as “entry”, or add it.',
        field: 'entry',
      };
    case 'worker_lost':
      return {
        what: `The machine that ran it was lost${attempt > 1 ? `, ${attempt} times in a row` : ''}.`,
        todo: 'Not the program’s fault, unless it happens each time. Run it again.',
      };
    case 'canceled':
      return { what: 'The job was canceled.', todo: 'Its log up to then is kept.' };
    case 'internal':
      return { what: 'The service failed, not the program.', todo: 'Run it again. If it happens again, the service’s own log tells more.' };
  }
}
