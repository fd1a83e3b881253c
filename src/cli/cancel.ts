import type { Command } from 'commander';
import { withService, type GlobalOptions } from './connect.ts';
import { findJob } from './find-job.ts';
import { print, printJson } from './terminal.ts';

export function addCancel(program: Command): void {
  program
    .command('cancel')
    .summary('end jobs')
    .description('Ends queued or running jobs with everything they started. Jobs that are over stay as they are.')
    .argument('<jobs...>', 'their ids, or the beginnings of them')
    .action(async (given: string[], _options: object, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        for (const each of given) {
          const job = await client.cancel(await findJob(client, each));
          await (json ? printJson(job) : print(`${job.id} ${job.status === 'running' ? 'is being canceled' : job.status}`));
        }
      });
    });
}
