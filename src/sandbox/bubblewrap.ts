import { rm } from 'node:fs/promises';
import { StartError } from '../errors.ts';
import type { Interpreter } from '../runtimes/runtime.ts';
import { discoverHost } from './bubblewrap-host.ts';
import { startIn } from './bubblewrap-start.ts';
import { openCgroups, type Cgroup, type Cgroups } from './cgroup.ts';
import { createEgress, NETWORK_PROCESSES, wantsNetwork } from './egress/egress.ts';
import { NO_EGRESS, type EgressOptions } from './egress/serve.ts';
import { hostRun, type HostRun } from './host-run.ts';
import { followLaunched } from './launched-run.ts';
import { createLauncherPool } from './launcher-pool.ts';
import { prepareLauncher, type Launched } from './launcher.ts';
import { prepareSteps, type Host } from './plan.ts';
import {
  NetworkUnavailable,
  type ColdReason,
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
    const self = followLaunched({
      launched,
      run,
      signal,
      path: slot.path,
      coldBecause,
      folder: launched.root,
      held: { cgroup: slot.cgroup },
      async free() {
        running.delete(self);
        await slot.free();
      },
    });
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

function remedyFor(text: string): string {
  if (/namespace|uid map|RTM_NEWADDR|Permission denied|not permitted|unshare/i.test(text)) {
    return 'allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 (in a container: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)';
  }
  return 'sudo apt-get install -y --no-install-recommends bubblewrap';
}
