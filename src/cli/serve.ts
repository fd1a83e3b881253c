import { join } from 'node:path';
import type { Command } from 'commander';
import { NODE_FLAGS } from '../node-flags.ts';
import { serviceEnvironment } from './environment.ts';
import { CliFailure } from './failure.ts';

/** A program of ours takes this process's place: signals, service managers and terminals reach it, and nothing stands between. */
export function replaceBy(program: 'main.js' | 'worker-main.js', variables: Record<string, string>): void {
  if (process.execve === undefined) throw new CliFailure(`There is no way to start a service on ${process.platform}.`, 'run it on Linux');
  const path = join(import.meta.dirname, '..', program);
  process.execve(process.execPath, [process.execPath, ...NODE_FLAGS, path], serviceEnvironment(variables));
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .summary('run the service')
    .description('Runs the service in the foreground, as `npm start` does in a clone. Ctrl-C stops it.')
    .option('-p, --port <port>', 'port to listen on (PORT)')
    .option('--host <address>', 'address to listen on (HOST)')
    .option('--data <folder>', 'folder for its jobs (JOB_DATA_DIR)')
    .addHelpText(
      'after',
      '\nEverything else is set by environment variables: docs/configuration.md lists them.\n\nExample:\n  job-runner serve --port 9000 --data /var/lib/job-runner/jobs',
    )
    .action(({ port, host, data }: { port?: string; host?: string; data?: string }) => {
      const variables = { PORT: port, HOST: host, JOB_DATA_DIR: data };
      replaceBy('main.js', Object.fromEntries(Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined)));
    });
}
