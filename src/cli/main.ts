import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addArtifacts } from './artifacts.ts';
import { addCancel } from './cancel.ts';
import { addCompletion } from './completion.ts';
import { addDoctor } from './doctor.ts';
import { describeError } from './failure.ts';
import { addKeys } from './keys.ts';
import { addLogs } from './logs.ts';
import { addMcp } from './mcp.ts';
import { addPs } from './ps.ts';
import { addRm } from './rm.ts';
import { addRun } from './run.ts';
import { addRuntimes } from './runtimes.ts';
import { addServe } from './serve.ts';
import { say } from './terminal.ts';
import { addWorker } from './worker.ts';

const USAGE_EXIT = 2;

/** Source and built code lie equally deep below the package's root. */
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string };

const EXAMPLES = `
Examples:
  job-runner run main.py --input data.csv --out results
  job-runner run -c 'print(6 * 7)'
  job-runner doctor                 what this machine can do, and what would mend the rest
  job-runner serve                  a service for everybody on this machine, with a page

Without --url and JOB_RUNNER_URL the service on this machine's port 8000 is used; where there is none, commands run one of
their own that lives as long as they do and keeps its jobs for the next time.`;

function build(): Command {
  const program = new Command('job-runner')
    .description('Runs Python programs as isolated jobs: here, or on a Job Runner elsewhere.')
    .version(version, '-V, --version', 'print the version')
    .option('--url <url>', 'the service to use, or local for one of the command’s own (JOB_RUNNER_URL)')
    .option('--api-key <key>', 'its key (JOB_RUNNER_API_KEY; there other users of this machine don’t see it)')
    .option('--json', 'print JSON')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true, sortOptions: false })
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const hint = /unknown option '(--?[^']+)'/.test(text) ? '  → options of the program itself come after --\n' : '';
        write(`job-runner: ${text.replace(/^error: /, '')}${hint}`);
      },
    });
  const add = [
    addRun,
    addLogs,
    addPs,
    addCancel,
    addRm,
    addArtifacts,
    addServe,
    addKeys,
    addWorker,
    addMcp,
    addRuntimes,
    addDoctor,
    addCompletion,
  ];
  for (const each of add) each(program);
  // What a command inherits, it takes when it is made; those below it were made without.
  const inherit = (command: Command): void => {
    for (const each of command.commands) inherit(each.copyInheritedSettings(command));
  };
  inherit(program);
  return program;
}

async function main(): Promise<void> {
  try {
    await build().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT;
    else {
      say(describeError(error));
      process.exitCode = 1;
    }
  }
}

void main();
