import { JobRunnerError } from '../client/client.ts';
import { errnoOf, StartError } from '../errors.ts';

/** Something that the person at the keyboard is told in one sentence, with what mends it. */
export class CliFailure extends Error {
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CliFailure';
    this.remedy = remedy;
  }
}

const REMEDIES: Record<string, string> = {
  unreachable: 'start one with `job-runner serve`, or name another with --url or JOB_RUNNER_URL',
  unexpected_answer: 'see that --url or JOB_RUNNER_URL is the address of a Job Runner',
  unauthorized: 'give a key with --api-key or JOB_RUNNER_API_KEY',
  forbidden: 'use another key: --api-key or JOB_RUNNER_API_KEY',
  unknown_runtime: '`job-runner runtimes` lists what there is',
  net_policy_unavailable: 'leave --net and --allow-host out',
  payload_too_large: 'send less, or raise the service’s MAX_UPLOAD_MB, MAX_UPLOAD_FILES or MAX_SPEC_KB',
  job_not_finished: 'cancel it first: `job-runner cancel`',
  quota_exceeded: 'wait for jobs to end, or remove some: `job-runner rm`',
  queue_full: 'try again in a while',
  storage_full: 'make room where the service runs, or remove jobs: `job-runner rm`',
};

/** Which option a mistake in the specification came from. */
const OPTIONS: Record<string, string> = {
  timeout_sec: '--timeout',
  cpu_limit: '--cpu',
  mem_limit_mb: '--memory',
  pids_limit: '--pids',
  net_policy: '--net or --allow-host',
  disk_limit_mb: '--disk-limit',
  output_limit_mb: '--output-limit',
  env: '--env',
  labels: '--label',
  callback_url: '--callback-url',
  runtime: '--runtime',
  entry: '--entry',
  stdin: 'standard input',
  args: 'the program’s arguments',
  code_files: 'the code',
  input_files: '--input',
};

function mistake({ pointer, detail }: { pointer: string; detail: string }): string {
  const [area = '', field = ''] = pointer.split('/').slice(1);
  return `${OPTIONS[area === 'spec' ? field : area] ?? pointer}: ${detail}`;
}

function wordsOf(error: JobRunnerError): string {
  if (error.code === 'invalid_spec' && error.errors.length > 0) return error.errors.map(mistake).join('\n  ');
  if (error.code === 'internal') return `the service failed: ${error.message}`;
  return error.message;
}

/** An error in words for people: one sentence, then the line that mends it where there is one. Only our own faults come with a stack. */
export function describeError(error: unknown): string {
  const told = (message: string, remedy: string | undefined): string =>
    `job-runner: ${message}${remedy === undefined ? '' : `\n  → ${remedy}`}`;
  if (error instanceof CliFailure || error instanceof StartError) return told(error.message, error.remedy);
  if (error instanceof JobRunnerError) return told(wordsOf(error), REMEDIES[error.code]);
  // What a path of the user's leads to.
  if (error instanceof Error && errnoOf(error)?.startsWith('E') === true) return told(error.message, undefined);
  return `job-runner: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
