import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Names a process so that others can tell whether it is alive: by the machine's boot, its process namespace, its id and the time of its
 * start, which only who shares the first two can tell; and by the container that it is in, where the engine knows that one.
 */
export function ownName(container = ''): string {
  return [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace(), process.pid, startOf(process.pid), container].join(
    '/',
  );
}

/** The container that this process is in, by the host name that engines mount into each; undefined outside of one. */
export function ownContainer(): string | undefined {
  return /\/(?:overlay-)?containers\/([0-9a-f]{64})\//.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1];
}

/** The container that a process was in when it was named; undefined when it was in none that the engine knew. */
export const containerOf = (name: string): string | undefined => name.split('/')[4] || undefined;

const namespace = (): string => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';

/** proc(5), stat, field 22; undefined when there is no such process. */
function startOf(pid: number | string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19];
  } catch {
    return undefined;
  }
}

/** True only when a process can be seen to be gone. */
export function isKnownDead(name: string): boolean {
  const [boot, pids, pid = '', start] = name.split('/');
  const [ownBoot, ownPids] = ownName().split('/');
  return boot === ownBoot && pids === ownPids && startOf(pid) !== start;
}
