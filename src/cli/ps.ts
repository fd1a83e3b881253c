import { Option, type Command } from 'commander';
import { STATUSES, type Status } from '../api/job.ts';
import type { Job } from '../client/client.ts';
import { withService, type GlobalOptions } from './connect.ts';
import { shortIds } from './find-job.ts';
import { collected, count } from './option-values.ts';
import { durationInWords, print, printJson, say, styled, table } from './terminal.ts';

interface PsOptions {
  all?: boolean;
  number: number;
  status?: Status;
  label?: string[];
  quiet?: boolean;
}

const COLORS = { queued: 'yellow', running: 'cyan', succeeded: 'green', failed: 'red', canceled: 'dim' } as const;

const ago = (time: string): string => `${durationInWords(Math.max(0, Date.now() - Date.parse(time))).replace(/\.\d s$/, ' s')} ago`;

function took({ started_at: start, finished_at: end, usage }: Job): string {
  if (usage !== null) return durationInWords(usage.wall_ms);
  return start === null ? '' : durationInWords((end === null ? Date.now() : Date.parse(end)) - Date.parse(start));
}

/** Names come from others: control characters must not reach a terminal. */
// oxlint-disable-next-line no-control-regex -- the control characters are what it is about
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

const row = (job: Job, short: string): string[] => [
  short,
  styled(COLORS[job.status], job.status),
  job.exit_code === null ? '' : String(job.exit_code),
  ago(job.created_at),
  took(job),
  job.spec.runtime,
  printable([job.spec.entry, ...job.spec.args].join(' ')).slice(0, 60),
  printable(
    Object.entries(job.labels)
      .map((pair) => pair.join('='))
      .join(' '),
  ),
];

export function addPs(program: Command): void {
  program
    .command('ps')
    .summary('list jobs')
    .description('Lists jobs, newest first.')
    .option('-n, --number <jobs>', 'how many', count, 20)
    .option('-a, --all', 'all there are')
    .addOption(new Option('-s, --status <status>', 'only these').choices(STATUSES))
    .option('-l, --label <name[=value]>', 'only jobs with this label; may be repeated', collected)
    .option('-q, --quiet', 'whole ids only')
    .addHelpText(
      'after',
      '\nExamples:\n  job-runner ps --status running\n  job-runner ps --label course=cs101 --all\n  job-runner cancel $(job-runner ps -q -s queued)',
    )
    .action(async (options: PsOptions, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        const wanted = options.all === true ? Infinity : options.number;
        const jobs: Job[] = [];
        for await (const job of client.listAll({ status: options.status, label: options.label, limit: Math.min(wanted, 200) })) {
          if (json) await printJson(job);
          jobs.push(job);
          if (jobs.length >= wanted) break;
        }
        if (json) return;
        if (options.quiet === true) {
          if (jobs.length > 0) await print(jobs.map(({ id }) => id).join('\n'));
        } else if (jobs.length === 0) {
          say('No jobs.');
        } else {
          const short = shortIds(jobs);
          await print(
            table(
              ['JOB', 'STATUS', 'EXIT', 'SUBMITTED', 'TOOK', 'RUNTIME', 'PROGRAM', 'LABELS'],
              jobs.map((job) => row(job, short.get(job.id) ?? job.id)),
            ),
          );
        }
      });
    });
}
