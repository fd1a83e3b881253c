import type { Command } from 'commander';
import { withService, type GlobalOptions } from './connect.ts';
import { findJob } from './find-job.ts';
import { showEvent } from './follow.ts';
import { write } from './terminal.ts';

export function addLogs(program: Command): void {
  program
    .command('logs')
    .summary('show what a job has printed')
    .description('Shows the log of a job: what it has printed so far, or with -f everything until its end.')
    .argument('<job>', 'its id, or the beginning of it')
    .option('-f, --follow', 'go on until the job is over')
    .addHelpText(
      'after',
      '\nExamples:\n  job-runner logs 019a0b1c2d3e\n  job-runner logs -f 019a0b1c2d3e\n  job-runner logs -f --json 019a0b1c2d3e | jq .',
    )
    .action(async (given: string, { follow = false }: { follow?: boolean }, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        const id = await findJob(client, given);
        if (!follow && !json) return write(process.stdout, await client.logs(id));
        const { log_lines: lines } = await client.view(id);
        let shown = 0;
        if (!follow && lines === 0) return;
        for await (const event of client.events(id)) {
          await showEvent(event, { json, verbose: true });
          if (!follow && 'seq' in event && ++shown === lines) return;
        }
      });
    });
}
