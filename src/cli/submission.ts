import { fstatSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Files, Submission } from '../client/client.ts';
import { file, folder } from '../client/node.ts';
import { variable } from './environment.ts';
import { CliFailure } from './failure.ts';
import { say } from './terminal.ts';

/** What `run` was asked for, as commander hands it over. */
export interface SubmissionOptions {
  c?: string;
  entry?: string;
  code?: string[];
  input?: string[];
  env?: string[];
  label?: string[];
  timeout?: number;
  memory?: number;
  cpu?: number;
  pids?: number;
  diskLimit?: number;
  outputLimit?: number;
  runtime?: string;
  network?: boolean;
  allowHost?: string[];
  workspace?: 'read_only' | 'writable';
  callbackUrl?: string;
  stdin: boolean;
}

const MAIN = 'main.py';
const SILENT_MS = 2000;

const kindOf = async (path: string): Promise<'file' | 'folder'> => {
  const found = await stat(path).catch((error: unknown) => {
    throw new CliFailure(`There is no file or folder ${path}.`, undefined, error);
  });
  return found.isDirectory() ? 'folder' : 'file';
};

/** A file under its own name, a folder's files below the folder's. */
async function filesAt(paths: readonly string[]): Promise<Files> {
  const files: Files = {};
  for (const path of paths) {
    const name = basename(resolve(path));
    const more = (await kindOf(path)) === 'folder' ? await folder(path, name) : { [name]: await file(path) };
    for (const [at, content] of Object.entries(more)) {
      if (Object.hasOwn(files, at)) throw new CliFailure(`Two files would be ${at} in the job.`, 'name each once, or send their folder');
      files[at] = content;
    }
  }
  return files;
}

/** The program's own files, and which of them to run. */
async function programOf(program: string | undefined, options: SubmissionOptions): Promise<{ code: Files; entry: string }> {
  if (options.c !== undefined) return { code: { [MAIN]: `${options.c}\n` }, entry: MAIN };
  if (program === undefined) throw new CliFailure('What shall run?', 'name a program, a folder, or give -c CODE: `job-runner run --help`');
  if (program === '-') return { code: { [MAIN]: await text(process.stdin) }, entry: MAIN };
  if ((await kindOf(program)) === 'file')
    return { code: { [basename(program)]: await file(program) }, entry: options.entry ?? basename(program) };
  const code = await folder(program);
  const entry = options.entry ?? MAIN;
  if (!Object.hasOwn(code, entry)) throw new CliFailure(`${program} has no ${entry}.`, 'say with --entry which of its files to run');
  return { code, entry };
}

const pairOf = (given: string, what: string): [string, string] => {
  const at = given.indexOf('=');
  if (at < 1) throw new CliFailure(`${what} ${given} has no value.`, `write it as ${what} NAME=VALUE`);
  return [given.slice(0, at), given.slice(at + 1)];
};

/** `NAME=VALUE`, or `NAME` for what it is here. */
function environmentPair(given: string): [string, string] {
  if (given.includes('=')) return pairOf(given, '--env');
  const value = variable(given);
  if (value === undefined) throw new CliFailure(`${given} is not set here.`, 'give its value: --env NAME=VALUE');
  return [given, value];
}

/** What somebody pipes or redirects into us; nothing of a terminal, or of /dev/null. */
async function pipedText(): Promise<string | undefined> {
  const input = fstatSync(process.stdin.fd);
  if (!input.isFIFO() && !input.isFile() && !input.isSocket()) return undefined;
  const chunks: Buffer[] = [];
  // Scheduled and nested commands often inherit a pipe that nobody ever closes.
  const hint = setTimeout(() => say('Waiting for standard input to end (--no-stdin leaves it alone) …'), SILENT_MS);
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      clearTimeout(hint);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(hint);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new CliFailure('Standard input is no UTF-8 text.', 'send it as a file: --input', error);
  }
}

const given = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

/** The job that a command line describes. Reads standard input to its end when that is piped. */
export async function submissionOf(program: string | undefined, args: readonly string[], options: SubmissionOptions): Promise<Submission> {
  const { code, entry } = await programOf(program, options);
  const isProgramPiped = options.c === undefined && program === '-';
  return {
    code: { ...code, ...(await filesAt(options.code ?? [])) },
    input: await filesAt(options.input ?? []),
    split_output: true,
    ...given({
      entry,
      args: [...args],
      env: Object.fromEntries((options.env ?? []).map(environmentPair)),
      labels: Object.fromEntries((options.label ?? []).map((each) => pairOf(each, '--label'))),
      stdin: options.stdin && !isProgramPiped ? await pipedText() : undefined,
      timeout_sec: options.timeout,
      mem_limit_mb: options.memory,
      cpu_limit: options.cpu,
      pids_limit: options.pids,
      disk_limit_mb: options.diskLimit,
      output_limit_mb: options.outputLimit,
      runtime: options.runtime,
      net_policy:
        options.allowHost === undefined ? (options.network === true ? ('outbound' as const) : undefined) : { allow: options.allowHost },
      workspace: options.workspace,
      callback_url: options.callbackUrl,
    }),
  };
}
