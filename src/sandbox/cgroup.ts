import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, readFileSync, write, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf } from '../errors.ts';
import type { Limits } from './sandbox.ts';

/** A job's control groups. Everything that is put into them counts and is limited together. */
export interface Cgroup {
  /** Files into which a process writes `0` to move itself in. */
  procsFiles: string[];
  /** Moves a process in. It may take the kernel many milliseconds, in which nothing here waits. */
  attach(pid: number): Promise<void>;
  /** To be called before anything of the job's runs. What is limited so already costs nothing. */
  limit(limits: GroupLimits): void;
  /** How many processes the kernel has killed because the memory was used up. */
  oomKills(): number;
  /** Most memory ever in use, in bytes. */
  peakBytes(): number;
  remove(): Promise<void>;
}

export interface Cgroups {
  version: 1 | 2;
  /** A group without limits; processes may be put into it ahead of time. */
  create(id: string): Promise<Cgroup>;
  /** Removes the service's own folder, when no job has a group in it any more. */
  close(): Promise<void>;
}

type GroupLimits = Pick<Limits, 'cpus' | 'memoryBytes' | 'pids'>;

const CPU_PERIOD_US = 100_000;
/** Below this the kernel refuses a quota. */
const MIN_CPU_QUOTA_US = 1000;
const REMOVE_ATTEMPTS = 200;
/** What all jobs together weigh against everything else that wants the CPU, the service first of all; the default is 1024 (v1), 100 (v2). */
const JOBS_SHARES = 256;
const JOBS_WEIGHT = 25;
/** And one job against another, by the share that it may take: four that were given a quarter each stand beside one that was given a whole. */
const sharesOf = (cpus: number): number => Math.max(2, Math.round(1024 * cpus));
const weightOf = (cpus: number): number => Math.min(10_000, Math.max(1, Math.round(100 * cpus)));
const CONTROLLERS = ['memory', 'pids', 'cpu'] as const;
type Controller = (typeof CONTROLLERS)[number];

const cpuQuota = (cpus: number): number => Math.max(MIN_CPU_QUOTA_US, Math.round(cpus * CPU_PERIOD_US));

/** Writes a limit where it differs from the last; `before` is that, endless at first. */
function onlyChanges(writers: Record<keyof GroupLimits, (limit: number, before: number) => void>): (limits: GroupLimits) => void {
  const last: GroupLimits = { cpus: Infinity, memoryBytes: Infinity, pids: Infinity };
  return (limits) => {
    for (const name of ['memoryBytes', 'pids', 'cpus'] as const) {
      if (limits[name] === last[name]) continue;
      writers[name](limits[name], last[name]);
      last[name] = limits[name];
    }
  };
}

const writeTo = promisify(write);

/** Without O_CREAT and O_TRUNC, which would have the kernel lock the folder against all that is going on in the hierarchy. */
function put(path: string, value: string | number): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, String(value));
  } finally {
    closeSync(fd);
  }
}

/** Only the writing waits for the kernel: opening and closing aren't worth a way through the thread pool each. */
async function attachTo(procsFiles: readonly string[], pid: number): Promise<void> {
  for (const file of procsFiles) {
    const fd = openSync(file, constants.O_WRONLY);
    try {
      await writeTo(fd, String(pid));
    } finally {
      closeSync(fd);
    }
  }
}

/** `name value` lines, as in memory.events. */
const counter = (text: string, name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);

/** The kernel lets go of a group a moment after its last process is gone. */
async function removeFolder(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rmdir(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      if (errnoOf(error) !== 'EBUSY' || attempt >= REMOVE_ATTEMPTS) throw error;
      await delay(Math.min(attempt, 10));
    }
  }
}

async function sweep(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((item) => item.isDirectory())) await removeFolder(join(folder, entry.name)).catch(() => undefined);
}

export interface CgroupMounts {
  v1: Partial<Record<Controller, string>>;
  v2: string | undefined;
}

/** Where the hierarchies are mounted: pure, from the text of /proc/self/mountinfo (proc(5)). */
export function parseMounts(mountinfo: string): CgroupMounts {
  const mounts: CgroupMounts = { v1: {}, v2: undefined };
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    if (before === undefined || after === undefined) continue;
    const point = before.split(' ')[4] ?? '';
    const [type, , superOptions = ''] = after.split(' ');
    if (type === 'cgroup2') mounts.v2 ??= point;
    if (type !== 'cgroup') continue;
    for (const controller of CONTROLLERS) {
      if (superOptions.split(',').includes(controller)) mounts.v1[controller] ??= point;
    }
  }
  return mounts;
}

/** The own group in each hierarchy, from /proc/self/cgroup; the key of the unified one is empty. */
export function parseOwn(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.trim().split('\n')) {
    const [, controllers = '', ...path] = line.split(':');
    for (const controller of controllers.split(',')) own.set(controller, path.join(':'));
  }
  return own;
}

function version1(folders: Record<Controller, string>): Cgroups {
  let swapCounts: boolean | undefined;
  return {
    version: 1,
    async create(id) {
      const at = (controller: Controller, file = ''): string => join(folders[controller], id, file);
      const remove = async (): Promise<void> => {
        for (const controller of CONTROLLERS) await removeFolder(at(controller));
      };
      try {
        for (const controller of CONTROLLERS) await mkdir(at(controller));
      } catch (error) {
        await remove();
        throw error;
      }
      const limitMemory = (bytes: number, before: number): void => {
        const files = ['memory.limit_in_bytes'];
        // Memory and swap together, where the kernel counts swap; else never swap the job out. The sum is never to be the smaller one.
        swapCounts ??= existsSync(at('memory', 'memory.memsw.limit_in_bytes'));
        if (swapCounts) files.push('memory.memsw.limit_in_bytes');
        else put(at('memory', 'memory.swappiness'), 0);
        for (const file of bytes > before ? files.toReversed() : files) put(at('memory', file), bytes);
      };
      const procsFiles = CONTROLLERS.map((controller) => at(controller, 'cgroup.procs'));
      return {
        procsFiles,
        attach: (pid) => attachTo(procsFiles, pid),
        limit: onlyChanges({
          memoryBytes: limitMemory,
          pids: (pids) => put(at('pids', 'pids.max'), pids),
          cpus(cpus) {
            put(at('cpu', 'cpu.cfs_period_us'), CPU_PERIOD_US);
            put(at('cpu', 'cpu.cfs_quota_us'), cpuQuota(cpus));
            put(at('cpu', 'cpu.shares'), sharesOf(cpus));
          },
        }),
        oomKills: () => counter(readFileSync(at('memory', 'memory.oom_control'), 'utf8'), 'oom_kill'),
        peakBytes: () => Number(readFileSync(at('memory', 'memory.max_usage_in_bytes'), 'utf8')),
        remove,
      };
    },
    async close() {
      for (const controller of CONTROLLERS) await removeFolder(folders[controller]);
    },
  };
}

function version2(folder: string): Cgroups {
  return {
    version: 2,
    async create(id) {
      const at = (file = ''): string => join(folder, id, file);
      await mkdir(at());
      const procsFiles = [at('cgroup.procs')];
      return {
        procsFiles,
        attach: (pid) => attachTo(procsFiles, pid),
        limit: onlyChanges({
          memoryBytes(bytes) {
            put(at('memory.max'), bytes);
            // Absent where the kernel has no swap at all.
            if (existsSync(at('memory.swap.max'))) put(at('memory.swap.max'), 0);
            put(at('memory.oom.group'), 1);
          },
          pids: (pids) => put(at('pids.max'), pids),
          cpus(cpus) {
            put(at('cpu.max'), `${cpuQuota(cpus)} ${CPU_PERIOD_US}`);
            put(at('cpu.weight'), weightOf(cpus));
          },
        }),
        oomKills: () => counter(readFileSync(at('memory.events'), 'utf8'), 'oom_kill'),
        // memory.peak came with Linux 5.19.
        peakBytes: () => (existsSync(at('memory.peak')) ? Number(readFileSync(at('memory.peak'), 'utf8')) : 0),
        remove: () => removeFolder(at()),
      };
    },
    close: () => removeFolder(folder),
  };
}

/**
 * In version 2 a group with processes can't hand its controllers on, so the service moves into a leaf of its own first
 * (cgroups(7), "no internal processes"). It must be alone in its group, as it is under systemd with `Delegate=yes`;
 * failing that, and as root, a group right under the top of the hierarchy serves.
 */
async function prepareVersion2(mount: string, own: string, instance: string): Promise<Cgroups> {
  const wanted = CONTROLLERS.map((controller) => `+${controller}`).join(' ');
  const attempts = [
    async (): Promise<string> => {
      const delegated = join(mount, own);
      await mkdir(join(delegated, 'service'), { recursive: true });
      await writeFile(join(delegated, 'service', 'cgroup.procs'), String(process.pid));
      await writeFile(join(delegated, 'cgroup.subtree_control'), wanted);
      return delegated;
    },
    async (): Promise<string> => {
      await writeFile(join(mount, 'cgroup.subtree_control'), wanted);
      return mount;
    },
  ];
  const failures: unknown[] = [];
  for (const attempt of own === '/' ? attempts.slice(1) : attempts) {
    try {
      const folder = join(await attempt(), instance);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'cgroup.subtree_control'), wanted);
      await sweep(folder);
      await writeFile(join(folder, 'cpu.weight'), String(JOBS_WEIGHT));
      return await tryOut(version2(folder));
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `no cgroup that could be handed on: ${failures.map(String).join('; ')}`);
}

/** A folder that is there is not yet one that may be used: it may be another user's. */
async function tryOut(cgroups: Cgroups): Promise<Cgroups> {
  const probe = await cgroups.create('probe');
  try {
    probe.limit({ cpus: 1, memoryBytes: 64 * 1024 ** 2, pids: 16 });
  } finally {
    await probe.remove();
  }
  return cgroups;
}

/**
 * The machine's control groups, v1 or v2, with a folder of this service's own in them, emptied of what a killed
 * predecessor left. `instance` tells services on one machine apart.
 *
 * @throws when they can't be written to, as for a user without root or delegation
 */
export async function openCgroups(instance: string): Promise<Cgroups> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const own = parseOwn(await readFile('/proc/self/cgroup', 'utf8'));
  const name = `job-runner-${createHash('sha256').update(instance).digest('hex').slice(0, 12)}`;
  const { memory, pids, cpu } = mounts.v1;
  if (memory !== undefined && pids !== undefined && cpu !== undefined) {
    const folders = { memory: '', pids: '', cpu: '' };
    for (const [controller, mount] of Object.entries({ memory, pids, cpu }) as [Controller, string][]) {
      const inside = join(mount, own.get(controller) ?? '/');
      // In a container the path may be one that only the host can see.
      const parent = existsSync(join(inside, 'cgroup.procs')) ? inside : mount;
      folders[controller] = join(parent, name);
      await mkdir(folders[controller], { recursive: true });
      await sweep(folders[controller]);
    }
    await writeFile(join(folders.cpu, 'cpu.shares'), String(JOBS_SHARES));
    return tryOut(version1(folders));
  }
  if (mounts.v2 !== undefined) return prepareVersion2(mounts.v2, own.get('') ?? '/', name);
  throw new Error('no cgroup hierarchy with memory, pids and cpu is mounted');
}
