import type { SeenRuntime, Store, WorkerInfo } from './store.ts';

/** Who works on a store that only one process has: nothing of it has to outlive the process. */
export function createMemoryWorkers(now: () => number): Pick<Store, 'announce' | 'withdraw' | 'workers' | 'takeTurn'> {
  const workers = new Map<string, { info: WorkerInfo; until: number }>();
  const seen = new Map<string, SeenRuntime>();
  const turns = new Map<string, number>();

  return {
    async announce(info, ttlMs) {
      workers.set(info.name, { info, until: now() + ttlMs });
      for (const { name, version, packages } of info.runtimes) seen.set(name, { name, version, packages, seenAt: now() });
    },
    async withdraw(name) {
      workers.delete(name);
    },
    async workers() {
      const alive = [...workers.values()].filter(({ until }) => until > now()).map(({ info }) => info);
      return {
        alive: alive.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        runtimes: [...seen.values()].toSorted((a, b) => b.seenAt - a.seenAt || (a.name < b.name ? -1 : 1)),
      };
    },
    async takeTurn(task, everyMs) {
      if (now() < (turns.get(task) ?? -Infinity)) return false;
      turns.set(task, now() + everyMs);
      return true;
    },
  };
}
