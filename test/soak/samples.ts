import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { leftovers, openDescriptors, type Leftovers } from '../support/leftovers.ts';
import type { RunningService } from '../support/service.ts';

const MIB = 1024 ** 2;

/** What a service has of its machine at one moment. */
export interface Census {
  descriptors: number;
  processes: number;
  namespaces: number;
  mounts: number;
  cgroups: number;
  folders: number;
  rows: number;
  diskMiB: number;
}

/**
 * Of several looks: the median of the resident memory; of the heap the least, which is right after a collection; and the least of what goes up and
 * down with the jobs under way, for what leaks is there between them, too.
 */
export interface Sample extends Census {
  minute: number;
  rssMiB: number;
  heapMiB: number;
}

/** What is removed while we look takes nothing. */
async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await bytesBelow(path) : ((await stat(path).catch(() => undefined))?.size ?? 0);
  }
  return bytes;
}

export interface Observer {
  census(): Promise<Census>;
  /** Looks again and again for so long. */
  sample(lookMs: number): Promise<Sample>;
  /** Of a service that has stopped. All of it is to be zero. */
  leftBehind(): Promise<Leftovers>;
}

const LOOK_EVERY_MS = 1500;

/** `metrics` asks the service for its own; `firstUid` is that of its jobs. */
export function createObserver(service: RunningService, firstUid: number, metrics: () => Promise<string>): Observer {
  const begun = performance.now();
  // As src/compose/choose-sandbox.ts names it.
  const instance = createHash('sha256').update(service.dataDir).digest('hex').slice(0, 12);
  const sum = (text: string, name: string): number =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((total, match) => total + Number(match[1]), 0);
  const rss = async (): Promise<number> =>
    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${service.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

  const census = async (): Promise<Census> => ({
    ...(await leftovers(instance, firstUid, service.pid)),
    rows: sum(await metrics(), 'job_runner_jobs'),
    descriptors: openDescriptors(service.pid),
    diskMiB: (await bytesBelow(service.dataDir)) / MIB,
  });

  return {
    census,
    leftBehind: () => leftovers(instance, firstUid, service.pid),
    async sample(lookMs) {
      const until = performance.now() + lookMs;
      const looks: (Census & { rss: number; heap: number })[] = [];
      do {
        await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_EVERY_MS, lookMs)));
        looks.push({ rss: await rss(), heap: sum(await metrics(), 'nodejs_heap_size_used_bytes') / MIB, ...(await census()) });
      } while (performance.now() < until);
      const least = (key: keyof (typeof looks)[number]): number => Math.min(...looks.map((look) => look[key]));
      const last = looks.at(-1) ?? (await census());
      return {
        ...last,
        minute: (performance.now() - begun) / 60_000,
        rssMiB: looks.map((look) => look.rss).toSorted((a, b) => a - b)[looks.length >> 1] ?? 0,
        heapMiB: least('heap'),
        descriptors: least('descriptors'),
        processes: least('processes'),
        namespaces: least('namespaces'),
        mounts: least('mounts'),
        cgroups: least('cgroups'),
      };
    },
  };
}
