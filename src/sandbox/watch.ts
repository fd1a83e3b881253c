import { statfsSync } from 'node:fs';
import type { Cgroup } from './cgroup.ts';
import type { FirstCause } from './first-cause.ts';
import { DISK_SLACK_BYTES, INODE_SLACK } from './plan.ts';

const WATCH_MS = 50;

/** Whether a job's tmpfs is used up: it has more blocks or inodes in use than the job was granted, which reaches into the slack. */
export function isFull(tmpfs: string): boolean {
  try {
    const { bavail, bsize, ffree } = statfsSync(tmpfs);
    return bavail * bsize < DISK_SLACK_BYTES / 2 || ffree < INODE_SLACK / 2;
  } catch {
    // The launcher is gone, and the tmpfs with it; the end of the run tells.
    return false;
  }
}

export function killedByKernel(cgroup: Cgroup | undefined): boolean {
  try {
    return cgroup !== undefined && cgroup.oomKills() > 0;
  } catch {
    // The group is removed when the run is over; then there is nothing to be told any more.
    return false;
  }
}

/** Watches what has no event of its own: the room on the job's tmpfs, and processes that the kernel killed. Returns how to stop it. */
export function watchRun(tmpfs: string, cgroup: Cgroup | undefined, cause: FirstCause): () => void {
  const look = (): void => {
    // Fast enough to be done here: it asks the kernel for three numbers.
    if (isFull(tmpfs)) cause.end({ kind: 'disk_limit' });
    if (killedByKernel(cgroup)) cause.end({ kind: 'oom' });
  };
  const timer = setInterval(look, WATCH_MS);
  return () => clearInterval(timer);
}
