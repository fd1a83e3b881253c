import type { Command } from 'commander';
import { withService, type GlobalOptions } from './connect.ts';
import { findJob } from './find-job.ts';
import { print, printJson } from './terminal.ts';

export function addRm(program: Command): void {
  program
    .command('rm')
    .summary('remove finished jobs')
    .description('Removes finished jobs with their logs and files.')
    .argument('<jobs...>', 'their ids, or the beginnings of them')
    .addHelpText('after', '\nExample:\n  job-runner rm $(job-runner ps -q -s failed)')
    .action(async (given: string[], _options: object, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        for (const each of given) {
          const id = await findJob(client, each);
          await client.delete(id);
          await (json ? printJson({ job_id: id, removed: true }) : print(`${id} removed`));
        }
      });
    });
}
