import { join } from 'node:path';

/** Modules of ours that jobs may import, in the package. Source and built code lie equally deep below its root. */
export const MODULES_DIR = join(import.meta.dirname, '../../runtimes/python/modules');

/**
 * Has matplotlib draw with our backend, which makes artifacts of plots that no file was named for. A job that names a
 * backend itself has that one, and nothing of ours. `modulesDir` is where the job sees the modules.
 */
export function plotEnvironment(modulesDir: string, own: Readonly<Record<string, string>>): Record<string, string> {
  if (own['MPLBACKEND'] !== undefined) return {};
  return { MPLBACKEND: 'module://job_runner_plots', PYTHONPATH: [own['PYTHONPATH'], modulesDir].filter(Boolean).join(':') };
}
