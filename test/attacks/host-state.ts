import { readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** How a sandbox driver's traces on this host are told from everybody else's. */
export interface Traces {
  /** In the names of its folders, mounts and control groups. */
  instance: string;
  /** Which processes are its jobs': by their users on this host, or by a folder of their control groups. */
  processes: { firstUid: number; uids: number } | { cgroup: string };
}

export interface HostState {
  processes: number;
  mounts: string[];
  cgroups: string[];
  folders: string[];
  descriptors: number;
  system: string[];
}

const WATCHED = [
  '/etc/passwd',
  '/etc/shadow',
  '/etc/ld.so.cache',
  '/etc/ld.so.preload',
  '/bin/sh',
  '/usr/bin/env',
  '/proc/sys/kernel/core_pattern',
];

async function countProcesses({ processes }: Traces): Promise<number> {
  let count = 0;
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    if ('cgroup' in processes) {
      if ((await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(processes.cgroup)) count += 1;
      continue;
    }
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? -1);
    if (uid >= processes.firstUid && uid < processes.firstUid + processes.uids) count += 1;
  }
  return count;
}

async function groupsBelow(folder: string, instance: string, depth = 4): Promise<string[]> {
  if (depth === 0) return [];
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory()) continue;
    const path = `${folder}/${entry.name}`;
    // Each has a name of its own: what counts is how many there are.
    if (path.includes(instance)) found.push(path.replaceAll(/\d+/g, 'N'));
    found.push(...(await groupsBelow(path, instance, depth - 1)));
  }
  return found.toSorted();
}

async function lookAtHost(traces: Traces): Promise<HostState> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(traces.instance));
  const system: string[] = [];
  for (const path of WATCHED) {
    const found = await stat(path).catch(() => undefined);
    const value = path.startsWith('/proc/') ? await readFile(path, 'utf8') : `${found?.mtimeMs} ${found?.size} ${found?.mode}`;
    system.push(`${path}: ${value}`);
  }
  return {
    processes: await countProcesses(traces),
    mounts: mounts.map((line) => line.split(' ').slice(4, 5).join('')),
    cgroups: await groupsBelow('/sys/fs/cgroup', traces.instance),
    folders: (await readdir(tmpdir())).filter((name) => name.includes(traces.instance)),
    descriptors: (await readdir('/proc/self/fd')).length,
    system,
  };
}

/** What is there now and was not before, or is no longer. Fewer is no trace: what is made ahead comes and goes. */
export function differences(before: HostState, now: HostState): string[] {
  const found: string[] = [];
  if (now.processes > before.processes) found.push(`${now.processes - before.processes} processes more`);
  if (now.descriptors > before.descriptors) found.push(`${now.descriptors - before.descriptors} descriptors more`);
  for (const what of ['mounts', 'cgroups', 'folders'] as const)
    if (now[what].length > before[what].length) found.push(`${what}: ${now[what].join(' ')} instead of ${before[what].join(' ')}`);
  for (const [index, line] of now.system.entries()) if (line !== before.system[index]) found.push(`changed: ${line}`);
  return found;
}

const SETTLE_MS = 10_000;
const LOOK_EVERY_MS = 40;
const SAME_LOOKS = 5;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));

/** This host when it has come to rest: what a driver makes ahead is there, and looks one after the other find the same. */
export async function hostAtRest(traces: Traces, isReady = (): boolean => true): Promise<HostState> {
  let last = await lookAtHost(traces);
  for (let same = 0; same < SAME_LOOKS;) {
    await pause();
    const now = await lookAtHost(traces);
    same = isReady() && JSON.stringify(now) === JSON.stringify(last) ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** Looks until nothing is left of what was there: processes take a moment to be gone. Returns what is still there after ten seconds. */
export async function settled(before: HostState, traces: Traces): Promise<string[]> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const found = differences(before, await lookAtHost(traces));
    if (found.length === 0 || performance.now() > until) return found;
    await pause();
  }
}
