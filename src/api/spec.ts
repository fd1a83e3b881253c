import { z } from 'zod';
import { netPolicy } from './net-policy.ts';

/**
 * The job's specification as clients send it, coerced the way the original service (pydantic, lax mode) did: numeric strings
 * and integral floats count as integers, `null` is an error, unknown fields are ignored.
 */

const noNul = (value: string): boolean => !value.includes('\0');
/** JSON can say half of a character (a surrogate without its other), and UTF-8 can't. */
const whole = z.string().refine((value) => value.isWellFormed(), 'must not contain half of a surrogate pair');
const text = whole.refine(noNul, 'must not contain a NUL character');

const numeric = z.union(
  [z.number(), z.string().regex(/^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/, 'must be a number')],
  'must be a number',
);

const number = (rule: z.ZodNumber) => numeric.transform(Number).pipe(rule);

/** Only of what is no number at all: bounds have words of their own. */
const finite = (issue: { code?: string }): string | undefined => (issue.code === 'invalid_type' ? 'must be a finite number' : undefined);
const integer = z.number({ error: finite }).int('must be a whole number');

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MAX_ENTRY_BYTES = 4096;
const MAX_SEGMENT_BYTES = 255;

/** execve(2): no string may be longer (MAX_ARG_STRLEN, with its NUL) … */
const MAX_EXEC_STRING_BYTES = 32 * 4096 - 1;
/** … and all together take at most a quarter of the stack, 2 MiB: each with its NUL and a pointer. Our own variables need room too. */
const MAX_ARGS_BYTES = 1024 ** 2;
const MAX_ENV_BYTES = MAX_ARGS_BYTES / 2;
const EXEC_STRING_OVERHEAD = 9;

const execBytes = (strings: readonly string[]): number =>
  strings.reduce((sum, each) => sum + Buffer.byteLength(each) + EXEC_STRING_OVERHEAD, 0);
const argument = text.refine((value) => Buffer.byteLength(value) <= MAX_EXEC_STRING_BYTES, `is longer than ${MAX_EXEC_STRING_BYTES} bytes`);

/** A list or record with more entries is refused without a look at each. */
export const MAX_SPEC_ENTRIES = 20_000;

const isInsideFolder = (path: string): boolean =>
  path !== '' && !path.startsWith('/') && path.split('/').every((segment) => segment !== '..' && segment !== '.' && segment !== '');

const hasUsableLength = (path: string): boolean =>
  Buffer.byteLength(path) <= MAX_ENTRY_BYTES && path.split('/').every((segment) => Buffer.byteLength(segment) <= MAX_SEGMENT_BYTES);

/** Ceilings and defaults that the configuration decides. */
export interface SpecLimits {
  defaultRuntime: string;
  maxTimeoutSec: number;
  maxCpus: number;
  maxMemMb: number;
  maxPids: number;
  maxDiskMb: number;
  maxOutputMb: number;
}

const MAX_URL_CHARS = 2048;

const isWebAddress = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '';
};

export const jobSpec = (limits: SpecLimits) =>
  z.object({
    runtime: text.max(255).default(limits.defaultRuntime).describe('Name of an installed runtime, see GET /runtimes'),
    entry: text
      .refine(isInsideFolder, 'must be a relative path inside the code folder')
      .refine(hasUsableLength, 'is too long for a file name')
      .default('main.py')
      .describe('Program to run, relative to the code folder'),
    args: z
      .array(argument)
      .refine((args) => execBytes(args) <= MAX_ARGS_BYTES, 'are too long together')
      .default([])
      .describe('Arguments of the program'),
    timeout_sec: number(integer.gt(0).lte(limits.maxTimeoutSec))
      .default(Math.min(60, limits.maxTimeoutSec))
      .describe('Wall-clock limit in seconds'),
    cpu_limit: number(z.number().gt(0).lte(limits.maxCpus)).default(Math.min(1, limits.maxCpus)).describe('CPUs, fractions allowed'),
    mem_limit_mb: number(integer.gt(32).lte(limits.maxMemMb))
      .default(Math.min(512, limits.maxMemMb))
      .describe('Memory in MiB; files in writable places count too'),
    pids_limit: number(integer.gt(0).lte(limits.maxPids)).default(Math.min(128, limits.maxPids)).describe('Processes and threads at once'),
    net_policy: netPolicy.default('none'),
    env: z
      .record(z.string().regex(ENV_NAME, 'is not a valid name of an environment variable'), argument)
      .refine(
        (env) => Object.entries(env).every((pair) => Buffer.byteLength(pair.join('=')) <= MAX_EXEC_STRING_BYTES),
        'has too long a variable',
      )
      .refine((env) => execBytes(Object.entries(env).flat()) <= MAX_ENV_BYTES, 'is too long altogether')
      .default({})
      .describe('Environment variables of the program'),
    stdin: whole.default('').describe('What the program reads on standard input'),
    disk_limit_mb: number(integer.gt(0).lte(limits.maxDiskMb))
      .default(Math.min(256, limits.maxDiskMb))
      .describe('MiB over all writable places together'),
    output_limit_mb: number(integer.gt(0).lte(limits.maxOutputMb))
      .default(Math.min(64, limits.maxOutputMb))
      .describe('MiB of stdout and stderr together'),
    labels: z.record(text.min(1).max(63), text.max(255)).default({}).describe('Names and values of your own, for GET /jobs?label='),
    split_output: z.boolean().default(false).describe('Two pipes: stdout and stderr told apart, at the price of their exact order'),
    workspace: z
      .enum(['read_only', 'writable'])
      .default('read_only')
      .describe('writable: what the program adds or changes beside its code becomes an artifact'),
    callback_url: text
      .max(MAX_URL_CHARS)
      .refine(isWebAddress, 'must be an http or https URL without a user name')
      .optional()
      .describe('Where the job’s end is told, by a signed POST; where the service is set up for that'),
  });

export type JobSpec = z.output<ReturnType<typeof jobSpec>>;
