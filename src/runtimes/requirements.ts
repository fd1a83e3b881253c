import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { normalizedName } from './packages.ts';

/** The packages that jobs of the default runtime are promised. */
export interface Requirements {
  /** In pip's format: the packages themselves, and pins for what they need in turn. */
  requirementsFile: string;
  constraintsFile: string;
  /** Normalized names of the packages themselves. */
  names: string[];
  /** Changes whenever anything in the two files does. */
  hash: string;
}

/** The folder is beside src/ and dist/ alike. */
export const OUR_REQUIREMENTS = fileURLToPath(new URL('../../runtimes/python', import.meta.url));

/** Reads `requirements.txt` and `constraints.txt` of a folder. */
export async function readRequirements(folder: string): Promise<Requirements> {
  const requirementsFile = `${folder}/requirements.txt`;
  const constraintsFile = `${folder}/constraints.txt`;
  const [requirements, constraints] = await Promise.all([readFile(requirementsFile, 'utf8'), readFile(constraintsFile, 'utf8')]);
  const names = requirements.split('\n').flatMap((line) => /^[A-Za-z0-9][\w.-]*/.exec(line)?.[0] ?? []);
  return {
    requirementsFile,
    constraintsFile,
    names: [...new Set(names.map(normalizedName))],
    hash: createHash('sha256').update(`${requirements}\0${constraints}`).digest('hex').slice(0, 12),
  };
}
