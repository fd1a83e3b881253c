import { Option, type Command } from 'commander';
import type { Artifact, Client, Job } from '../client/client.ts';
import { saveArtifact } from '../client/node.ts';
import { withService, type Connection, type GlobalOptions } from './connect.ts';
import { endingInWords, exitCodeOf, OWN_FAILURE, signalExit } from './ending.ts';
import { describeError } from './failure.ts';
import { showEvent } from './follow.ts';
import { collected, number } from './option-values.ts';
import { submissionOf, type SubmissionOptions } from './submission.ts';
import { bytesInWords, print, printJson, say, styled } from './terminal.ts';
import { fetchWithProgress } from './upload-progress.ts';

interface RunOptions extends SubmissionOptions, GlobalOptions {
  out?: string;
  detach?: boolean;
  verbose?: boolean;
}

const EXAMPLES = `
Examples:
  job-runner run main.py                                 one file
  job-runner run main.py --input data.csv --out results  with data, and what it makes fetched
  job-runner run app/ -- --steps 3                       a folder with a main.py; its options come after --
  job-runner run -c 'print(6 * 7)'
  cat data.csv | job-runner run sum.py                   standard input goes to the program
  job-runner run train.py --detach                       prints the job's id and leaves it to run

The program reads its inputs in the folder that JOB_INPUT_DIR names, and leaves results in JOB_OUTPUT_DIR. With
--workspace writable, what it writes beside its own code is a result, too. Ctrl-C cancels the job.
The exit code is the program's; ${OWN_FAILURE} when this command itself failed.`;

export function addRun(program: Command): void {
  program
    .command('run')
    .summary('run a program and show its output')
    .description('Runs a Python program as a job: shows its output as it comes, fetches what it made, and ends as it ended.')
    .argument('[program]', 'a file, a folder with a main.py, or - for standard input')
    .argument('[args...]', 'arguments of the program; those that begin with - come after --')
    .option('-c <code>', 'run this code instead of a file')
    .option('--entry <file>', 'which file of the folder to run')
    .option('--code <path>', 'a file or folder to lie beside the program; may be repeated', collected)
    .option('-i, --input <path>', 'a file or folder for JOB_INPUT_DIR; may be repeated', collected)
    .option('-o, --out <folder>', 'fetch what the job made into this folder')
    .option('-e, --env <name=value>', 'a variable for the program; NAME alone takes it from here; may be repeated', collected)
    .option('-l, --label <name=value>', 'a label to find the job by; may be repeated', collected)
    .option('-t, --timeout <seconds>', 'wall-clock limit', number)
    .option('-m, --memory <MiB>', 'memory limit', number)
    .option('--cpu <cpus>', 'CPUs, fractions allowed', number)
    .option('--pids <number>', 'processes and threads at once', number)
    .option('--disk-limit <MiB>', 'limit of what it writes', number)
    .option('--output-limit <MiB>', 'limit of what it prints', number)
    .option('-r, --runtime <name>', 'one of `job-runner runtimes`')
    .option('--net, --network', 'let it reach public addresses, where the service allows that')
    .option('--allow-host <host>', 'let it reach this one: NAME, *.NAME or an ADDRESS, with :PORT or without; may be repeated', collected)
    .addOption(new Option('--workspace <kind>', 'whether it may write beside its code').choices(['read_only', 'writable']))
    .option('--callback-url <url>', 'where the service tells that the job is over, however it ended (docs/webhooks.md)')
    .option('--no-stdin', 'leave standard input alone')
    .option('-d, --detach', 'print the job’s id and do not wait')
    .option('-v, --verbose', 'show all that the runner says')
    .addHelpText('after', EXAMPLES)
    .action(async (named: string | undefined, args: string[], _options: object, command: Command) => {
      try {
        process.exitCode = await run(named, args, command.optsWithGlobals<RunOptions>(), command);
      } catch (error) {
        say(describeError(error));
        process.exitCode = OWN_FAILURE;
      }
    });
}

async function run(named: string | undefined, args: string[], options: RunOptions, command: Command): Promise<number> {
  const programArgs = options.c === undefined || named === undefined ? args : [named, ...args];
  const submission = await submissionOf(named, programArgs, options);
  // A service of the command's own is gone with it.
  const needsServer = options.detach === true ? '--detach' : options.callbackUrl === undefined ? undefined : '--callback-url';
  const more = { fetch: fetchWithProgress(process.stderr), ...(needsServer === undefined ? {} : { needsServer }) };
  return withService(
    command,
    async (connection) => {
      const interrupted = interruption();
      try {
        const { job_id: id } = await connection.client.submit(submission, { signal: interrupted.beforeStart });
        if (options.detach === true) {
          await (options.json === true ? printJson({ job_id: id }) : print(id));
          return 0;
        }
        if (options.json === true) await printJson({ type: 'submitted', job_id: id });
        interrupted.cancels(connection.client, id);
        const { job, artifacts } = await followToEnd(connection.client, id, options);
        await fetchOrTell(connection, job, artifacts, options);
        return interrupted.exitCode() ?? finish(job, options);
      } catch (error) {
        const code = interrupted.exitCode();
        if (code === undefined) throw error;
        return code;
      } finally {
        interrupted.done();
      }
    },
    more,
  );
}

async function followToEnd(client: Client, id: string, options: RunOptions): Promise<{ job: Job; artifacts: Artifact[] }> {
  const artifacts: Artifact[] = [];
  for await (const event of client.events(id)) {
    await showEvent(event, { json: options.json === true, verbose: options.verbose === true });
    if (event.type === 'artifact') artifacts.push(event);
    if (event.type === 'end') return { job: event.job, artifacts };
  }
  throw new Error('events end with `end` or an error');
}

async function fetchOrTell({ client }: Connection, job: Job, artifacts: Artifact[], options: RunOptions): Promise<void> {
  const dim = (line: string): void => say(styled('dim', line, process.stderr));
  if (options.out === undefined) {
    if (artifacts.length > 0 && options.json !== true) {
      const names = artifacts.map(({ name, size }) => `${name} (${bytesInWords(size)})`);
      dim(`Made: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`);
      dim(`  → job-runner artifacts get ${job.id}`);
    }
    return;
  }
  for (const artifact of artifacts) {
    const path = await saveArtifact(client, job.id, artifact, options.out);
    if (options.json === true) await printJson({ type: 'saved', name: artifact.name, path });
    else dim(`Saved ${path} (${bytesInWords(artifact.size)})`);
  }
}

function finish(job: Job, options: RunOptions): number {
  const words = endingInWords(job);
  if (words !== undefined && options.json !== true) say(`job-runner: ${words}`);
  return exitCodeOf(job);
}

/** Ctrl-C and its like: the first cancels the job, whose end is still shown; the second ends this command at once. */
function interruption(): {
  /** Aborts while there is no job yet. */
  beforeStart: AbortSignal;
  cancels(client: Client, id: string): void;
  /** What to end with; undefined when nobody has interrupted. */
  exitCode(): number | undefined;
  done(): void;
} {
  const abort = new AbortController();
  let cancel: (() => void) | undefined;
  let code: number | undefined;
  const interrupt = (signal: 'SIGINT' | 'SIGTERM' | 'SIGPIPE'): void => {
    if (code !== undefined) process.exit(code);
    code = signalExit(signal);
    if (signal !== 'SIGPIPE')
      say(styled('dim', cancel === undefined ? 'Stopped.' : 'Canceling the job (once more leaves at once) …', process.stderr));
    abort.abort();
    cancel?.();
  };
  const onInt = (): void => interrupt('SIGINT');
  const onTerm = (): void => interrupt('SIGTERM');
  // Whoever read our output has read enough.
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
    if (code === undefined) interrupt('SIGPIPE');
  };
  process.on('SIGINT', onInt).on('SIGTERM', onTerm);
  process.stdout.on('error', onError);
  return {
    beforeStart: abort.signal,
    cancels(client, id) {
      cancel = () => {
        client.cancel(id).catch((error: unknown) => {
          say(describeError(error));
          process.exit(code);
        });
      };
      if (code !== undefined) cancel();
    },
    exitCode: () => code,
    done() {
      process.off('SIGINT', onInt).off('SIGTERM', onTerm);
    },
  };
}
