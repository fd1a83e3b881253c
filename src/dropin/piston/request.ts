import { posix } from 'node:path';
import type { JobSpec } from '../../api/spec.ts';
import type { Config } from '../../config.ts';
import { ApiError } from '../../errors.ts';
import type { ProgramFile } from '../../jobs/submit-program.ts';
import type { KnownRuntime, RuntimeCatalog } from '../../runtimes/runtime.ts';
import { fieldsOf, refuseTooMany } from '../../http/json-body.ts';
import { findRuntime, LANGUAGE } from './runtimes.ts';

export interface PistonJob {
  runtime: KnownRuntime;
  spec: Partial<JobSpec>;
  files: ProgramFile[];
}

interface PistonFile {
  name: string;
  content: string;
  encoding: 'utf8' | 'base64' | 'hex';
}

const MIB = 1024 ** 2;
/** Piston's own default. */
const RUN_TIMEOUT_MS = 3000;
/** The least that a job may have. */
const MIN_MEM_MB = 33;
/** Output is held in memory, on both sides. */
const OUTPUT_LIMIT_MB = 1;

const refuse = (message: string): never => {
  throw new ApiError('invalid_request', message);
};

const requiredText = (name: string, value: unknown): string =>
  typeof value === 'string' && value !== '' ? value : refuse(`${name} is required as a string`);

/** A constraint in Piston's sense: 0, null and nothing at all leave it at its default. */
function constraint(fields: Record<string, unknown>, name: string, limit: number): number | undefined {
  const value = fields[name];
  if (!value) return undefined;
  if (typeof value !== 'number') return refuse(`If specified, ${name} must be a number`);
  if (limit > 0 && value > limit) return refuse(`${name} cannot exceed the configured limit of ${limit}`);
  return value;
}

const nonNegative = (name: string, value: number | undefined): number | undefined =>
  value !== undefined && value < 0 ? refuse(`${name} must be non-negative`) : value;

const ENCODINGS = ['base64', 'hex', 'utf8'] as const;

function fileOf(value: unknown, index: number): PistonFile {
  const { name, content, encoding } = fieldsOf(value);
  if (typeof content !== 'string') return refuse(`files[${index}].content is required as a string`);
  const given = typeof name === 'string' && name !== '' ? name : `file${index}.code`;
  const path = posix.normalize(`./${given}`);
  if (path === '..' || path.startsWith('../')) return refuse(`File path "${given}" tries to escape parent directory: ${path}`);
  return { name: path, content, encoding: ENCODINGS.find((each) => each === encoding) ?? 'utf8' };
}

async function* contentOf({ content, encoding }: PistonFile): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content, encoding);
}

/** Reads POST /execute. @throws ApiError with the one message that a Piston client would get */
export function readExecute(body: unknown, runtimes: RuntimeCatalog, config: Config): PistonJob {
  const fields = fieldsOf(body);
  const language = requiredText('language', fields['language']);
  const version = requiredText('version', fields['version']);
  if (!Array.isArray(fields['files'])) return refuse('files is required as an array');
  refuseTooMany(fields['files'].length, config);
  const files = fields['files'].map(fileOf);
  const runtime = findRuntime(runtimes, language, version) ?? refuse(`${language}-${version} runtime is unknown`);
  // What is not text is data, for the program to read.
  const main = files.find((file) => file.encoding === 'utf8') ?? refuse('files must include at least one utf8 encoded file');

  const runTimeoutMs = nonNegative('run_timeout', constraint(fields, 'run_timeout', config.MAX_TIMEOUT_SEC * 1000)) ?? RUN_TIMEOUT_MS;
  const memoryBytes = constraint(fields, 'run_memory_limit', config.MAX_MEM_MB * MIB);
  // Nothing is compiled, and CPU time is bounded by the wall clock.
  for (const name of ['compile_memory_limit', 'compile_timeout', 'compile_cpu_time', 'run_cpu_time']) constraint(fields, name, 0);

  const stdin = typeof fields['stdin'] === 'string' ? fields['stdin'] : '';
  return {
    runtime,
    spec: {
      runtime: runtime.name,
      entry: main.name,
      args: (fields['args'] ?? []) as string[],
      stdin: stdin.endsWith('\n') ? stdin : `${stdin}\n`,
      env: { PISTON_LANGUAGE: LANGUAGE },
      timeout_sec: Math.min(Math.max(1, Math.ceil(runTimeoutMs / 1000)), config.MAX_TIMEOUT_SEC),
      ...(memoryBytes === undefined ? {} : { mem_limit_mb: memoryMb(memoryBytes, config.MAX_MEM_MB) }),
      output_limit_mb: Math.min(OUTPUT_LIMIT_MB, config.MAX_OUTPUT_MB),
      split_output: true,
      workspace: 'writable',
      labels: { api: 'piston' },
    },
    // The last of two files of one name stays, as in a folder that they are written to one after the other.
    files: [...new Map(files.map((file) => [file.name, file])).values()].map((file) => ({ path: file.name, content: contentOf(file) })),
  };
}

/** Below zero: as much as anybody may have. */
const memoryMb = (bytes: number, maxMemMb: number): number => (bytes < 0 ? maxMemMb : Math.max(MIN_MEM_MB, Math.ceil(bytes / MIB)));
