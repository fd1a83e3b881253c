import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a bubblewrap driver has on this machine, by its instance's name and its jobs' users. All of it is to be zero when it is closed. */
export interface Leftovers {
  processes: number;
  /** Of all kinds, but for those that this process is in. */
  namespaces: number;
  mounts: number;
  cgroups: number;
  folders: number;
}

const USERS = 60_001;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Gone in between.
    return '';
  }
};

/**
 * Of a service's process: launchers, which bear its number, and whatever runs as one of its jobs' users. What has ended counts if the
 * service is to wait for it: when a launcher is killed, what it had becomes the machine's, whose first process may take its time.
 */
function ownProcesses(firstUid: number, servicePid: number): string[] {
  const launcher = new RegExp(`sandbox-launch\\.pl\\0(?:launch|serve)\\0${servicePid}\\0`);
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    const status = read(`/proc/${pid}/status`);
    if (/^State:\tZ/m.test(status) && !status.includes(`PPid:\t${servicePid}\n`)) return false;
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? -1);
    return (uid >= firstUid && uid < firstUid + USERS) || launcher.test(read(`/proc/${pid}/cmdline`));
  });
}

const KINDS = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup'];

const namespacesOf = (pid: string): string[] =>
  KINDS.flatMap((kind) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch {
      // Ended, and not yet waited for.
      return [];
    }
  });

/** In the namespaces of all of them together, each counted once. */
const mountsOf = (pids: readonly string[]): number =>
  [...new Map(pids.map((pid) => [namespacesOf(pid)[0], pid])).values()].reduce(
    (sum, pid) => sum + read(`/proc/${pid}/mountinfo`).split('\n').filter(Boolean).length,
    0,
  );

async function foldersNamed(name: string, below: string, depth: number): Promise<string[]> {
  const entries = await readdir(below, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory());
  const found = folders.filter((entry) => entry.name === name).map((entry) => join(below, entry.name));
  if (depth === 0) return found;
  const deeper = await Promise.all(folders.map((entry) => foldersNamed(name, join(below, entry.name), depth - 1)));
  return [...found, ...deeper.flat()];
}

export async function leftovers(instance: string, firstUid: number, servicePid: number = process.pid): Promise<Leftovers> {
  const processes = ownProcesses(firstUid, servicePid);
  const usual = new Set(namespacesOf('self'));
  const apart = processes.filter((pid) => !usual.has(namespacesOf(pid)[0] ?? ''));
  const name = `job-runner-${createHash('sha256').update(instance).digest('hex').slice(0, 12)}`;
  const groups = await foldersNamed(name, '/sys/fs/cgroup', 4);
  const inside = await Promise.all(
    groups.map(async (group) => (await readdir(group, { withFileTypes: true })).filter((each) => each.isDirectory())),
  );
  const prefix = `job-runner-${instance}-`;
  return {
    processes: processes.length,
    namespaces: new Set(processes.flatMap(namespacesOf).filter((each) => !usual.has(each))).size,
    mounts: read('/proc/self/mountinfo').split(prefix).length - 1 + mountsOf(apart),
    cgroups: groups.length + inside.flat().length,
    folders: (await readdir(tmpdir())).filter((each) => each.startsWith(prefix)).length,
  };
}

export const openDescriptors = (pid: number | 'self'): number => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
};
