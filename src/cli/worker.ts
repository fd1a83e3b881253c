import type { Command } from 'commander';
import { replaceBy } from './serve.ts';

export function addWorker(program: Command): void {
  program
    .command('worker')
    .summary('run jobs of a service elsewhere')
    .description(
      'Runs jobs of services that keep them in Redis, in the foreground, as `npm run worker` does in a clone. SIGTERM or Ctrl-C drains it.',
    )
    .option('--redis <url>', 'where the jobs are kept (REDIS_URL)')
    .option('--concurrency <count>', 'jobs at once (CONCURRENCY)')
    .addHelpText(
      'after',
      '\nEverything else is set by environment variables: docs/configuration.md lists them, docs/scaling.md tells what belongs together.\n\nExample:\n  job-runner worker --redis redis://queue.internal:6379/0 --concurrency 4',
    )
    .action(({ redis, concurrency }: { redis?: string; concurrency?: string }) => {
      const variables = { REDIS_URL: redis, CONCURRENCY: concurrency };
      replaceBy(
        'worker-main.js',
        Object.fromEntries(Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined)),
      );
    });
}
