import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ColdReason, RunSpec } from '../sandbox.ts';

/**
 * Variables that are read before a program's first line: by the interpreter, the loader, the C library, or a package while it is
 * imported. A process that has all that behind it can't heed them any more. HOME says where a user's own packages and settings lie.
 */
const READ_AT_START =
  /^(PYTHON|LD_|MALLOC_|GLIBC_|GCONV_PATH$|LANG$|LANGUAGE$|LC_|LOCPATH$|HOME$|XDG_|OPENSSL_|OPENBLAS_|OMP_|GOTO_|MKL_|BLIS_|KMP_|NUMEXPR_|NPY_|NUMPY_|PANDAS_|ARROW_|MPL)/;

/** Why a run must start cold; undefined when a warm start is the same to it. */
export function whyCold(run: Pick<RunSpec, 'env' | 'entry' | 'coldStart' | 'network'>): ColdReason | undefined {
  if (run.coldStart === true) return 'asked';
  if (Object.keys(run.env).some((name) => READ_AT_START.test(name))) return 'environment';
  // A zip file or a folder is run by other rules; what starts with a dash, an interpreter takes for an option.
  if (!run.entry.endsWith('.py') || run.entry.startsWith('-')) return 'entry';
  // Its network namespace is made before its first process, and its way out takes longer than an interpreter.
  if (run.network !== undefined && run.network !== 'none') return 'network';
  return undefined;
}

/** Names that can be imported from a folder: files, and folders with an __init__. */
function importable(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      const isPackage = readdirSync(join(folder, entry.name)).some((name) => name.startsWith('__init__.'));
      return isPackage ? [entry.name] : [];
    }
    const module = /^([^.]+)\.(?:.*\.)?(?:py|pyc|so)$/.exec(entry.name)?.[1];
    return module === undefined ? [] : [module];
  });
}

/**
 * Whether a program has a module of its own by the name of one in `imported`. It finds its own first, as everything does that is
 * imported after it; where the other one has been imported already, it would not.
 */
export const shadows = ({ codeDir, entry }: Pick<RunSpec, 'codeDir' | 'entry'>, imported: ReadonlySet<string>): boolean =>
  importable(dirname(join(codeDir, entry))).some((name) => imported.has(name));
