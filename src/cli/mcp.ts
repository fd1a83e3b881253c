import type { Command } from 'commander';
import { remoteJobs } from '../mcp/remote-jobs.ts';
import { serveMcpOnStdio } from '../mcp/stdio.ts';
import { withService } from './connect.ts';
import { say } from './terminal.ts';

const EXAMPLE = `
As clients of MCP are told of it:
  { "mcpServers": { "job-runner": { "command": "job-runner", "args": ["mcp"] } } }`;

export function addMcp(program: Command): void {
  program
    .command('mcp')
    .summary('give jobs to a client of the Model Context Protocol')
    .description('Speaks the Model Context Protocol on standard input and output, for clients that start a program; ends with its client.')
    .addHelpText('after', EXAMPLE)
    .action(async (_options: object, command: Command) => {
      await withService(command, ({ url, apiKey }) =>
        serveMcpOnStdio({
          jobs: remoteJobs(url, apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
          version: program.version() ?? '',
          onError: (error) => say(`job-runner: ${error.message}`),
        }),
      );
    });
}
