import type { RunSpec } from '../sandbox.ts';

/**
 * Variables that are read before a program's first line: by the interpreter, the loader, the C library, or a package while it is
 * imported. A process that has all that behind it can't heed them any more.
 */
const READ_AT_START =
  /^(PYTHON|LD_|MALLOC_|GLIBC_|GCONV_PATH$|LANG$|LANGUAGE$|LC_|LOCPATH$|OPENBLAS_|OMP_|GOTO_|MKL_|BLIS_|KMP_|NUMEXPR_|NPY_|MPL)/;

/** Why a run must start cold, for a log line; undefined when a warm start is the same to it. */
export function whyCold(run: RunSpec): string | undefined {
  const variable = Object.keys(run.env).find((name) => READ_AT_START.test(name));
  if (variable !== undefined) return `its variable ${variable} is read when an interpreter starts`;
  // A zip file or a folder is run by other rules.
  if (!run.entry.endsWith('.py')) return 'its entry is no .py file';
  // An interpreter takes it for an option; so many ways to be different are not worth imitating.
  if (run.entry.startsWith('-')) return 'its entry starts with a dash';
  return undefined;
}
