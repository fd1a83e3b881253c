import { chmodSync, closeSync, constants, openSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import type { Interpreter } from '../runtimes/runtime.ts';
import { discoverHost, filterFile } from './bubblewrap-host.ts';
import { openCgroups, type Cgroup, type Cgroups } from './cgroup.ts';
import { collectRun } from './collect-run.ts';
import { createEgress, NETWORK_PROCESSES, wantsNetwork, type Egress, type EgressOptions } from './egress/egress.ts';
import { firstCause } from './first-cause.ts';
import { hostRun, type HostRun } from './host-run.ts';
import { exitOf } from './exit.ts';
import { createLauncherPool } from './launcher-pool.ts';
import { prepareLauncher, type Launched, type Prepared } from './launcher.ts';
import { readOutput } from './output.ts';
import { bubblewrapArgs, encodeSteps, initSteps, launchSteps, mountPoint, prepareSteps, type Host } from './plan.ts';
import {
  NetworkUnavailable,
  type ColdReason,
  type Ended,
  type Exit,
  type Guarantees,
  type Limits,
  type Outbound,
  type RunSpec,
  type Running,
  type Sandbox,
  type SandboxHealth,
} from './sandbox.ts';
import type { Slot } from './slot.ts';
import { tryOut } from './trial.ts';
import { isFull, watchRun } from './watch.ts';
import type { PoolEvents, PoolRules } from './warm/pool.ts';
import { createWarmStarts, type WarmStarts } from './warm/warm.ts';

export interface BubblewrapOptions {
  /** The same for each start of one service, and no other's: names what it leaves on the machine, so that a killed one can be cleaned up after. */
  instance: string;
  /** First host user id for jobs, when the service is root; a further one for each job at a time. */
  firstUid: number;
  /** Launchers to keep ready for jobs to come. */
  ready: number;
  /** An interpreter for the trial run. */
  interpreter: () => Interpreter | undefined;
  /** Warm starts; without, every program gets a new interpreter. */
  warm?: { rules: PoolRules; events: PoolEvents } | undefined;
  /** Without, no job gets a network. */
  egress?: EgressOptions | undefined;
}

/** For a driver that was made without a word on networks. */
const NO_EGRESS: EgressOptions = { allowed: false, denied: [], allowedPrivate: [], nameServers: [], maxFlows: 0 };

const MIB = 1024 * 1024;

/** A fork server knows its jobs' users as a row of this many; the servers' own come after it. */
const WARM_USERS = 60_000;
/** What warm sandboxes are made for, as most jobs are; others change theirs. */
const WARM_LIMITS: Limits = { timeoutMs: 60_000, cpus: 1, memoryBytes: 512 * MIB, pids: 128, diskBytes: 256 * MIB, outputBytes: 64 * MIB };

/** bubblewrap's monitor and our init: in the job's cgroup, but not the job's. */
const OWN_PROCESSES = 2;

interface Started {
  slot: Slot;
  launched: Launched;
  coldBecause: ColdReason | undefined;
}

export function createBubblewrap(options: BubblewrapOptions): Sandbox {
  let host: Host | undefined;
  let cgroups: Cgroups | undefined;
  let warm: WarmStarts | undefined;
  let serial = 0;
  const running = new Set<Running>();
  const usedUids = new Set<number>();

  const takeUid = (): number => {
    let uid = options.firstUid;
    while (usedUids.has(uid)) uid += 1;
    usedUids.add(uid);
    return uid;
  };

  const egress = createEgress(options.egress ?? NO_EGRESS);
  let outbound: Outbound = { possible: false, reason: 'the sandbox has not been checked', remedy: 'see the service’s log' };

  const makeSlot = async (network: boolean): Promise<Slot> => {
    const here = hostOrThrow();
    const uid = here.root ? takeUid() : here.uid;
    let cgroup: Cgroup | undefined;
    const free = async (): Promise<void> => {
      usedUids.delete(uid);
      await cgroup?.remove();
    };
    try {
      cgroup = await cgroups?.create(`${process.pid}-${++serial}`);
      const launcher = await prepareLauncher(here.perl, prepareSteps(here, { uid, procsFiles: cgroup?.procsFiles ?? [] }), network);
      return {
        path: 'cold',
        cgroup,
        start(run) {
          cgroup?.limit({ ...run.limits, pids: run.limits.pids + OWN_PROCESSES + (network ? NETWORK_PROCESSES : 0) });
          return startIn(launcher, here, run, uid, cgroup !== undefined, egress);
        },
        async discard() {
          await launcher.discard();
          await free();
        },
        free,
      };
    } catch (error) {
      await free();
      throw error;
    }
  };
  const pool = createLauncherPool(options.ready, () => makeSlot(false));

  const hostOrThrow = (): Host => {
    if (host === undefined) throw new Error('check() comes first');
    return host;
  };

  async function startIt(slot: Slot, run: HostRun): Promise<Started> {
    try {
      return { slot, launched: await slot.start(run), coldBecause: undefined };
    } catch (error) {
      await slot.discard();
      throw error;
    }
  }

  async function startCold(run: HostRun): Promise<Started> {
    if (wantsNetwork(run)) return startIt(await makeSlot(true), run);
    try {
      return await startIt(await pool.take(), run);
    } finally {
      pool.refill();
    }
  }

  async function startSomehow(run: HostRun): Promise<Started> {
    if (warm === undefined) return startCold(run);
    let slot = await warm.take(run);
    if (typeof slot === 'object') {
      try {
        return await startIt(slot, run);
      } catch (error) {
        options.warm?.events.trouble('a warm start failed; the job starts cold', error);
        slot = 'failing';
      }
    }
    return { ...(await startCold(run)), coldBecause: slot };
  }

  async function start(spec: RunSpec, signal: AbortSignal): Promise<Running> {
    const run = hostRun(spec);
    if (wantsNetwork(run) && !outbound.possible) throw new NetworkUnavailable(`${outbound.reason}: ${outbound.remedy}`);
    const { slot, launched, coldBecause } = await startSomehow(run);
    const { cgroup } = slot;
    const cause = firstCause(run.limits, signal, () => launched.kill());
    const kept = keepTmpfs(launched.root);
    const tmpfs = kept.path;
    const unwatch = watchRun(tmpfs, cgroup, cause);
    const startedAt = performance.now();

    const ended = (async (): Promise<Ended> => {
      try {
        const { program, whole } = await launched.ended;
        cause.settle();
        const oom = (cgroup?.oomKills() ?? 0) > 0;
        const own = exitOf(program);
        const failed = own.kind === 'signaled' || own.code !== 0;
        const full = failed && isFull(tmpfs);
        const exit: Exit = cause.get() ?? (oom ? { kind: 'oom' } : full ? { kind: 'disk_limit' } : own);
        const peak = cgroup?.peakBytes() ?? 0;
        return {
          exit,
          usage: {
            wallMs: program?.wallMs ?? performance.now() - startedAt,
            cpuMs: (program ?? whole).cpuMs,
            maxRssBytes: Math.max((program ?? whole).maxRssBytes, peak),
          },
        };
      } finally {
        cause.settle();
        unwatch();
      }
    })();
    ended.catch(() => undefined);

    const folders = {
      output: join(tmpfs, 'output'),
      workspace: run.workspace === 'writable' ? { original: run.codeDir, copy: join(tmpfs, 'code') } : undefined,
    };
    const output = readOutput(launched, run.limits.outputBytes, () => cause.end({ kind: 'output_limit' }));

    let disposed: Promise<void> | undefined;
    const self: Running = {
      path: slot.path,
      coldBecause,
      output,
      ended,
      collect: (bounds, leftOut) => collectRun(folders, bounds, leftOut),
      dispose() {
        disposed ??= (async () => {
          launched.kill();
          await ended.catch(() => undefined);
          launched.stdout.destroy();
          launched.stderr.destroy();
          kept.letGo();
          await launched.release();
          running.delete(self);
          await slot.free();
        })();
        return disposed;
      },
    };
    running.add(self);
    return self;
  }

  /** Whether jobs can have a network, seen with one's own eyes. Nothing is sent to anybody. */
  async function checkOutbound(here: Host): Promise<Outbound> {
    const found = await egress.find(here);
    const interpreter = options.interpreter();
    if (!found.possible || interpreter === undefined) return found;
    try {
      outbound = found;
      await tryOut(start, interpreter, here.workDir, 'outbound');
      return found;
    } catch (error) {
      const reason = `a trial run with a network failed: ${error instanceof Error ? error.message : String(error)}`;
      return { possible: false, reason, remedy: 'see docs/network.md' };
    }
  }

  return {
    name: 'bubblewrap',

    async check(): Promise<SandboxHealth> {
      const notes: string[] = [];
      if (host === undefined) {
        const discovered = await discoverHost(options.instance);
        cgroups = await openCgroups(options.instance).catch((error: unknown) => {
          notes.push(
            `no cgroups (${error instanceof Error ? error.message : String(error)}): limits hold for each process, not for the job as a whole; run as root or under systemd with Delegate=yes`,
          );
          return undefined;
        });
        host = discovered;
      }
      try {
        const interpreter = options.interpreter();
        if (interpreter !== undefined) await tryOut(start, interpreter, host.workDir);
      } catch (error) {
        throw new StartError(
          `bubblewrap does not work here: ${error instanceof Error ? error.message : String(error)}`,
          remedyFor(String(error)),
          error,
        );
      }
      const own = host;
      outbound = await checkOutbound(own);
      if (!outbound.possible && options.egress?.allowed === true)
        notes.push(`net_policy can only be none here (${outbound.reason}): ${outbound.remedy}`);
      if (options.warm !== undefined && warm === undefined) {
        warm = await createWarmStarts({
          ...options.warm,
          host: own,
          cgroups,
          users: { first: options.firstUid, count: WARM_USERS, server: options.firstUid + WARM_USERS },
          limits: WARM_LIMITS,
          takeUid,
          freeUid: (uid) => usedUids.delete(uid),
        });
      }
      if (!host.root) notes.push('not root: jobs run as the service’s own user on this host, inside their namespaces');
      const held = cgroups !== undefined;
      const guarantees: Guarantees = {
        filesystem: true,
        network: true,
        processes: true,
        syscalls: true,
        user: host.root,
        memory: held,
        pids: true,
        cpu: held,
        disk: true,
      };
      return { guarantees, outbound, notes };
    },

    anticipate(interpreter) {
      if (!('image' in interpreter)) warm?.anticipate(interpreter);
    },

    start,

    async close() {
      await pool.close();
      await Promise.all([...running].map((each) => each.dispose()));
      await warm?.close();
      warm = undefined;
      await cgroups?.close();
      if (host !== undefined) await rm(host.workDir, { recursive: true, force: true });
      host = undefined;
    },
  };
}

/** Starts a run with a launcher. What that is to open are files for a moment only. */
async function startIn(launcher: Prepared, host: Host, run: HostRun, uid: number, cgroups: boolean, egress: Egress): Promise<Launched> {
  const made: string[] = [];
  const file = (name: string, bytes: string | Buffer, mode: number): string => {
    const path = join(host.workDir, `${launcher.pid}-${name}`);
    writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
    made.push(path);
    chmodSync(path, mode);
    return path;
  };
  const { network } = run;
  if (launcher.network !== undefined && network !== undefined && network !== 'none') egress.serve(launcher.network, network);
  try {
    const networkSteps = launcher.network === undefined ? [] : egress.steps(host);
    const files = {
      // The program may open it once more, as /dev/stdin.
      stdin: run.stdin === '' ? '/dev/null' : file('stdin', run.stdin, 0o444),
      filter: filterFile(host),
      bubblewrapArgs: file('args', `${bubblewrapArgs(host, run, networkSteps.length > 0).join('\0')}\0`, 0o600),
      initSteps: file('init', encodeSteps(initSteps(run, cgroups)), 0o600),
    };
    return await launcher.start(launchSteps(host, run, uid, files, networkSteps), mountPoint(host));
  } finally {
    for (const path of made) rmSync(path);
  }
}

/** The job's tmpfs by a descriptor: so it is there to be collected from even when whoever had it mounted has died. */
function keepTmpfs(root: string): { path: string; letGo(): void } {
  try {
    const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${fd}`, letGo: () => closeSync(fd) };
  } catch {
    // It has died already, and the run's end will tell.
    return { path: root, letGo: () => undefined };
  }
}

function remedyFor(text: string): string {
  if (/namespace|uid map|RTM_NEWADDR|Permission denied|not permitted|unshare/i.test(text)) {
    return 'allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 (in a container: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)';
  }
  return 'sudo apt-get install -y --no-install-recommends bubblewrap';
}
