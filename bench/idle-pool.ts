import { readdirSync, readFileSync } from 'node:fs';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended in between, or is another user's.
    return '';
  }
};
const kilobytes = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
const depthOf = (status: string): number => /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t').length ?? 0;

/** What a process has of its own: pages that no other one shares, and the tables that map them. */
function ownBytes(pid: string): number {
  const pages = read(`/proc/${pid}/smaps_rollup`);
  const status = read(`/proc/${pid}/status`);
  return (kilobytes(pages, 'Private_Clean') + kilobytes(pages, 'Private_Dirty') + kilobytes(status, 'VmPTE')) * 1024;
}

/** A service's idle pool: how many sandboxes wait, and what each (the interpreter and its init) and the fork servers have of their own. */
export function idlePool(servicePid: number): { sandboxes: number; bytesEach: number; serverBytes: number } {
  const depth = depthOf(read(`/proc/${servicePid}/status`));
  const parents = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    parents.set(pid, /^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? '0');
  }
  const isBelow = (pid: string): boolean => {
    for (let each = pid; each !== '0'; each = parents.get(each) ?? '0') if (each === String(servicePid)) return true;
    return false;
  };
  const below = [...parents.keys()].filter(isBelow).map((pid) => ({ pid, levels: depthOf(read(`/proc/${pid}/status`)) - depth }));
  const inside = below.filter(({ levels }) => levels === 2);
  const sandboxes = inside.length / 2;
  const sum = (pids: { pid: string }[]): number => pids.reduce((total, { pid }) => total + ownBytes(pid), 0);
  return { sandboxes, bytesEach: sum(inside) / sandboxes, serverBytes: sum(below.filter(({ levels }) => levels === 1)) };
}
