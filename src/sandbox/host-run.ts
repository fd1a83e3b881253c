import type { HostInterpreter } from '../runtimes/runtime.ts';
import type { RunSpec } from './sandbox.ts';

/** A run with an interpreter of this host. */
export type HostRun = RunSpec & { interpreter: HostInterpreter };

/** Throws for a run with an interpreter of an image, which a driver that runs the host's can't have been sent by mistake of a client's. */
export function hostRun(run: RunSpec): HostRun {
  const { interpreter } = run;
  if ('image' in interpreter) throw new Error('an interpreter of an image was handed to a sandbox of this host');
  return { ...run, interpreter };
}
