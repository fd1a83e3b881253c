import { signal } from '@preact/signals';
import { JobRunnerError } from '../../../src/client/client.ts';
import { wordsOf } from '../connection.ts';

/** What the service found wrong with the program, by the field of the form that it is about. */
export interface Problems {
  general: string[];
  /** By the pointer's first part after `/spec`, or `code_files`, `input_files`; with where in it. */
  fields: Record<string, { at: string | undefined; detail: string }[]>;
}

const none: Problems = { general: [], fields: {} };
export const problems = signal<Problems>(none);

export const forget = (): void => {
  problems.value = none;
};

/** Fields that the form has, by the service's names. */
const KNOWN = new Set([
  'runtime',
  'entry',
  'args',
  'timeout_sec',
  'cpu_limit',
  'mem_limit_mb',
  'pids_limit',
  'net_policy',
  'env',
  'stdin',
  'disk_limit_mb',
  'output_limit_mb',
  'labels',
  'split_output',
  'workspace',
  'callback_url',
  'code_files',
  'input_files',
]);

/** The parts of a JSON pointer (RFC 6901 §4). */
const partsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

export function problemsOf(error: unknown): Problems {
  if (!(error instanceof JobRunnerError) || error.errors.length === 0) {
    const field =
      error instanceof JobRunnerError
        ? { unknown_runtime: 'runtime', net_policy_unavailable: 'net_policy' }[error.code as string]
        : undefined;
    return field === undefined
      ? { general: [wordsOf(error)], fields: {} }
      : { general: [], fields: { [field]: [{ at: undefined, detail: wordsOf(error) }] } };
  }
  const found: Problems = { general: [], fields: {} };
  for (const { pointer, detail } of error.errors) {
    const parts = partsOf(pointer);
    const [name = '', ...where] = parts[0] === 'spec' ? parts.slice(1) : parts;
    const at = where.at(-1);
    if (KNOWN.has(name)) (found.fields[name] ??= []).push({ at, detail });
    else found.general.push(`${pointer}: ${detail}`);
  }
  return found;
}
