import { closeSync, constants, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { untilDescriptors } from '../descriptors.ts';
import { lacksDescriptors } from '../errors.ts';
import type { Cgroup } from './cgroup.ts';
import { collectRun } from './collect-run.ts';
import { exitOf } from './exit.ts';
import { firstCause } from './first-cause.ts';
import type { HostRun } from './host-run.ts';
import type { Launched } from './launcher.ts';
import { readOutput } from './output.ts';
import type { ColdReason, Ended, Exit, Limits, Running, StartPath } from './sandbox.ts';
import { isFull, killedByKernel, watchRun } from './watch.ts';

export interface LaunchedRun {
  launched: Launched;
  run: HostRun;
  signal: AbortSignal;
  path: StartPath;
  coldBecause?: ColdReason | undefined;
  /** Holds the run's `output`, and `code` where its workspace is writable. */
  folder: string;
  /** What the kernel holds it to; without, nothing is looked after but its time and its output. */
  held?: { cgroup: Cgroup | undefined } | undefined;
  /** Gives back what the run held on the host. Called once, when nothing of it lives and its launcher is gone. */
  free(): Promise<void>;
}

/** A program that a launcher has started, from then on: what may end it, what it used, what it left, how all of it goes away. */
export function followLaunched({ launched, run, signal, path, coldBecause, folder, held, free }: LaunchedRun): Running {
  let over = false;
  const kill = (): void => {
    if (!over) hasten(held?.cgroup, run.limits);
    launched.kill();
  };
  const cause = firstCause(run.limits, signal, kill);
  const kept = held === undefined ? { path: folder, letGo: () => undefined } : keepOpen(folder);
  const unwatch = held === undefined ? () => undefined : watchRun(kept.path, held.cgroup, cause);
  const startedAt = performance.now();

  const naturalExit = (own: ReturnType<typeof exitOf>): Exit => {
    if ((held?.cgroup?.oomKills() ?? 0) > 0) return { kind: 'oom' };
    const failed = own.kind === 'signaled' || own.code !== 0;
    return held !== undefined && failed && isFull(kept.path) ? { kind: 'disk_limit' } : own;
  };
  const ended = (async (): Promise<Ended> => {
    try {
      const { program, whole } = await launched.ended;
      cause.settle();
      const wallMs = program?.wallMs ?? performance.now() - startedAt;
      const { cpuMs, maxRssBytes } = program ?? whole;
      const told = (): Ended => ({
        exit: cause.get() ?? naturalExit(exitOf(program)),
        usage: { wallMs, cpuMs, maxRssBytes: Math.max(maxRssBytes, held?.cgroup?.peakBytes() ?? 0) },
      });
      try {
        return told();
      } catch (error) {
        if (!lacksDescriptors(error)) throw error;
        // What it did is not lost for that: its group can be looked at later.
        await untilDescriptors();
        return told();
      }
    } catch (error) {
      // Whoever was to tell how it ended was killed with it, or for it.
      const exit: Exit | undefined = cause.get() ?? (killedByKernel(held?.cgroup) ? { kind: 'oom' } : undefined);
      if (exit === undefined) throw error;
      return { exit, usage: { wallMs: performance.now() - startedAt, cpuMs: 0, maxRssBytes: 0 } };
    } finally {
      over = true;
      cause.settle();
      unwatch();
    }
  })();
  ended.catch(() => undefined);

  const folders = {
    output: join(kept.path, 'output'),
    workspace: run.workspace === 'writable' ? { original: run.codeDir, copy: join(kept.path, 'code') } : undefined,
  };
  let disposed: Promise<void> | undefined;
  return {
    path,
    coldBecause,
    output: readOutput(launched, run.limits.outputBytes, () => cause.end({ kind: 'output_limit' })),
    ended,
    collect: (bounds, leftOut) => collectRun(folders, bounds, leftOut),
    dispose() {
      disposed ??= (async () => {
        kill();
        await ended.catch(() => undefined);
        launched.stdout.destroy();
        launched.stderr.destroy();
        kept.letGo();
        await launched.release();
        await free();
      })();
      return disposed;
    },
  };
}

/** Processes that are killed have to run to die: a job with a small share and many of them would take minutes over it. */
function hasten(cgroup: Cgroup | undefined, limits: Limits): void {
  try {
    cgroup?.limit({ ...limits, cpus: availableParallelism() });
  } catch {
    // The group is gone, and so is the job.
  }
}

/** A job's tmpfs by a descriptor: so it is there to be collected from even when whoever had it mounted has died. */
function keepOpen(root: string): { path: string; letGo(): void } {
  try {
    const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${fd}`, letGo: () => closeSync(fd) };
  } catch {
    // It has died already, and the run's end will tell.
    return { path: root, letGo: () => undefined };
  }
}
