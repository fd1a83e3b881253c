import { chmodSync, constants as fsConstants, openSync, rmSync, statfsSync, writeFileSync, type StatsFs } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputFile } from '../artifacts/artifacts.ts';
import { StartError } from '../errors.ts';
import type { Interpreter } from '../runtimes/runtime.ts';
import { discoverHost, filterFile } from './bubblewrap-host.ts';
import { openCgroups, type Cgroup, type Cgroups } from './cgroup.ts';
import { changedFiles } from './changed-files.ts';
import { collectFolder } from './collect.ts';
import { firstCause, type FirstCause } from './first-cause.ts';
import { exitOf } from './exit.ts';
import { closeAll, launch, launcherScript, type Launched } from './launcher.ts';
import { readOutput } from './output.ts';
import { bubblewrapArgs, DISK_SLACK_BYTES, encodeSteps, INODE_SLACK, initSteps, launchSteps, type Host } from './plan.ts';
import type { CollectBounds, Ended, Exit, Guarantees, LeftOut, RunSpec, Running, Sandbox, SandboxHealth } from './sandbox.ts';

export interface BubblewrapOptions {
  /** The same for each start of one service, and no other's: names what it leaves on the machine, so that a killed one can be cleaned up after. */
  instance: string;
  /** First host user id for jobs, when the service is root; a further one for each job at a time. */
  firstUid: number;
  /** An interpreter for the trial run. */
  interpreter: () => Interpreter | undefined;
}

/** bubblewrap's monitor and our init: in the job's cgroup, but not the job's. */
const OWN_PROCESSES = 2;
const WATCH_MS = 50;

/** Room that is used up: more blocks or inodes than the job was granted, of which the slack is left. */
const isFull = (stats: StatsFs): boolean => stats.bavail * stats.bsize < DISK_SLACK_BYTES / 2 || stats.ffree < INODE_SLACK / 2;

export function createBubblewrap(options: BubblewrapOptions): Sandbox {
  let host: Host | undefined;
  let cgroups: Cgroups | undefined;
  let serial = 0;
  const running = new Set<Running>();
  const usedUids = new Set<number>();

  const takeUid = (): number => {
    let uid = options.firstUid;
    while (usedUids.has(uid)) uid += 1;
    usedUids.add(uid);
    return uid;
  };

  /** Watches what has no event of its own: the room on the job's tmpfs, and processes that the kernel killed. */
  function watch(launched: Launched, home: string, cgroup: Cgroup | undefined, cause: FirstCause): () => void {
    let checking = false;
    const timer = setInterval(() => {
      if (checking) return;
      checking = true;
      // Fast enough to be done here: it asks the kernel for two numbers.
      if (fullOf(launched, home)) cause.end({ kind: 'disk_limit' });
      void (cgroup?.oomKills() ?? Promise.resolve(0))
        .then((kills) => kills > 0 && cause.end({ kind: 'oom' }))
        .catch(() => undefined)
        .finally(() => (checking = false));
    }, WATCH_MS);
    return () => clearInterval(timer);
  }

  const viewOf = (launched: Launched, path: string): string => join(`/proc/${launched.pid}/root`, path);
  const fullOf = (launched: Launched, home: string): boolean => {
    try {
      return isFull(statfsSync(viewOf(launched, join(home, 'm'))));
    } catch {
      // The launcher is gone; `ended` tells.
      return false;
    }
  };

  async function start(run: RunSpec, signal: AbortSignal): Promise<Running> {
    if (host === undefined) throw new Error('check() comes first');
    const here = host;
    const id = `${run.jobId}-${++serial}`;
    const uid = here.root ? takeUid() : here.uid;
    const cgroup = await cgroups
      ?.create(id, { ...run.limits, pids: run.limits.pids + OWN_PROCESSES })
      .catch((error: unknown) => {
        usedUids.delete(uid);
        throw error;
      });
    const cleanUp = async (): Promise<void> => {
      usedUids.delete(uid);
      await cgroup?.remove();
    };

    let launched: Launched;
    try {
      launched = await launchRun(here, run, id, { uid, procsFiles: cgroup?.procsFiles ?? [] });
    } catch (error) {
      await cleanUp();
      throw error;
    }
    const cause = firstCause(run.limits, signal, () => launched.kill());
    const unwatch = watch(launched, here.workDir, cgroup, cause);
    const startedAt = performance.now();

    const ended = (async (): Promise<Ended> => {
      try {
        const { program, whole } = await launched.ended;
        cause.settle();
        const oom = ((await cgroup?.oomKills()) ?? 0) > 0;
        const own = exitOf(program);
        const failed = own.kind === 'signaled' || own.code !== 0;
        const full = failed && fullOf(launched, here.workDir);
        const exit: Exit = cause.get() ?? (oom ? { kind: 'oom' } : full ? { kind: 'disk_limit' } : own);
        const peak = (await cgroup?.peakBytes()) ?? 0;
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

    const names = run.splitOutput ? (['stdout', 'stderr'] as const) : (['stdout'] as const);
    const output = readOutput(
      launched.outputs.map((socket, index) => ({ stream: names[index] ?? 'stdout', socket })),
      run.limits.outputBytes,
      () => cause.end({ kind: 'output_limit' }),
    );

    let disposed: Promise<void> | undefined;
    const self: Running = {
      output,
      ended,
      collect: (bounds, leftOut) => collect(launched, here, run, bounds, leftOut),
      dispose() {
        disposed ??= (async () => {
          launched.kill();
          await ended.catch(() => undefined);
          for (const socket of launched.outputs) socket.destroy();
          await launched.release();
          running.delete(self);
          await cleanUp();
        })();
        return disposed;
      },
    };
    running.add(self);
    return self;
  }

  async function* collect(launched: Launched, here: Host, run: RunSpec, bounds: CollectBounds, leftOut: (what: LeftOut) => void): AsyncIterable<OutputFile> {
    const view = (name: string): string => viewOf(launched, join(here.workDir, 'm', name));
    yield* collectFolder(view('output'), bounds, leftOut);
    if (run.workspace === 'writable') yield* changedFiles(run.codeDir, view('code'), bounds, leftOut);
  }

  async function trial(): Promise<void> {
    const interpreter = options.interpreter();
    if (interpreter === undefined || host === undefined) return;
    const empty = join(host.workDir, 'trial');
    await mkdir(empty, { recursive: true, mode: 0o755 });
    const run: RunSpec = {
      jobId: 'trial',
      interpreter,
      codeDir: empty,
      inputDir: empty,
      entry: '/dev/null',
      args: [],
      env: {},
      stdin: '',
      limits: { timeoutMs: 20_000, cpus: 1, memoryBytes: 128 * 1024 ** 2, pids: 16, diskBytes: 1024 ** 2, outputBytes: 65_536 },
      splitOutput: false,
      workspace: 'read_only',
    };
    const attempt = await start(run, AbortSignal.timeout(30_000));
    try {
      let said = '';
      for await (const chunk of attempt.output) said += chunk.bytes.toString();
      const { exit } = await attempt.ended;
      if (exit.kind !== 'exited' || exit.code !== 0) throw new Error(`a trial run ended with ${JSON.stringify(exit)}: ${said}`);
    } finally {
      await attempt.dispose();
      await rm(empty, { recursive: true, force: true });
    }
  }

  return {
    name: 'bubblewrap',

    async check(): Promise<SandboxHealth> {
      const notes: string[] = [];
      if (host === undefined) {
        const discovered = await discoverHost(options.instance);
        cgroups = await openCgroups(options.instance).catch((error: unknown) => {
          notes.push(`no cgroups (${error instanceof Error ? error.message : String(error)}): limits hold for each process, not for the job as a whole; run as root or under systemd with Delegate=yes`);
          return undefined;
        });
        host = discovered;
      }
      try {
        await trial();
      } catch (error) {
        throw new StartError(`bubblewrap does not work here: ${error instanceof Error ? error.message : String(error)}`, remedyFor(String(error)), error);
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
      return { guarantees, notes };
    },

    start,

    async close() {
      await Promise.all([...running].map((each) => each.dispose()));
      await cgroups?.close();
      if (host !== undefined) await rm(host.workDir, { recursive: true, force: true });
      host = undefined;
    },
  };
}

async function launchRun(host: Host, run: RunSpec, id: string, job: { uid: number; procsFiles: string[] }): Promise<Launched> {
  const opened: number[] = [];
  const read = (path: string): number => {
    const descriptor = openSync(path, fsConstants.O_RDONLY);
    opened.push(descriptor);
    return descriptor;
  };
  /** A descriptor on bytes that lie in no folder any more. `mode` decides who may open it once more, as /dev/stdin. */
  const readBytes = (name: string, bytes: string | Buffer, mode = 0o600): number => {
    const path = join(host.workDir, `${id}-${name}`);
    writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
    try {
      chmodSync(path, mode);
      return read(path);
    } finally {
      rmSync(path);
    }
  };
  try {
    const launched = await launch({
      perl: host.perl,
      script: launcherScript,
      steps: launchSteps(host, run, job),
      descriptors: {
        stdin: run.stdin === '' ? read('/dev/null') : readBytes('stdin', run.stdin, 0o444),
        filter: read(filterFile(host)),
        args: readBytes('args', `${bubblewrapArgs(host, run).join('\0')}\0`),
        init: readBytes('init', encodeSteps(initSteps(run, job.procsFiles.length > 0))),
      },
    });
    return launched;
  } finally {
    closeAll(opened);
  }
}

function remedyFor(text: string): string {
  if (/uid map|RTM_NEWADDR|Permission denied|Operation not permitted|unshare/i.test(text)) {
    return 'allow user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0 (in a container: --security-opt seccomp=unconfined --security-opt systempaths=unconfined)';
  }
  return 'sudo apt-get install -y --no-install-recommends bubblewrap';
}
