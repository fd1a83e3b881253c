import type { Command } from 'commander';
import { CliFailure } from './failure.ts';

export function addWorker(program: Command): void {
  program
    .command('worker')
    .summary('run jobs of a service elsewhere')
    .description('Runs jobs for a service that keeps them in Redis.')
    .action(() => {
      throw new CliFailure(
        'Workers of their own come with the Redis store, which this version does not have yet.',
        'use `job-runner serve`: it runs its jobs itself, CONCURRENCY at a time',
      );
    });
}
