import type { Cgroup } from './cgroup.ts';
import type { Launched } from './launcher.ts';
import type { HostRun } from './host-run.ts';
import type { StartPath } from './sandbox.ts';

/** A sandbox made ahead of time, for one job that is yet to come. */
export interface Slot {
  readonly path: StartPath;
  readonly cgroup: Cgroup | undefined;
  /** Resolves when its process has ended: of no use any more, if that was before it got a job. */
  readonly died?: Promise<unknown>;
  /** Gives it its job. Rejects, to be discarded then, when the job could not be started. */
  start(run: HostRun): Promise<Launched>;
  /** Ends one that has not got a job, with all that belongs to it. */
  discard(): Promise<void>;
  /** Gives back what it held on the host, once nothing of the job lives and its output has been collected. */
  free(): Promise<void>;
}
