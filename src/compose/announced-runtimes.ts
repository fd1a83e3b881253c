import type { Logger } from 'pino';
import semver from 'semver';
import type { Config } from '../config.ts';
import type { KnownRuntime, RuntimeCatalog } from '../runtimes/runtime.ts';
import type { SeenRuntime, Store, WorkerInfo } from '../store/store.ts';
import { repeat } from '../worker/repeat.ts';

/** The default of a service whose first worker is yet to come. */
const PREFERRED = 'python3.12';
const EVERY_MS = 2000;
const HOUR_MS = 3_600_000;

export interface AnnouncedRuntimes extends RuntimeCatalog {
  /** Workers alive when last looked. */
  workers(): readonly WorkerInfo[];
  stop(): Promise<void>;
}

const newestFirst = (a: { version: string }, b: { version: string }): number =>
  semver.compare(semver.coerce(b.version) ?? '0.0.0', semver.coerce(a.version) ?? '0.0.0');

/** Of several workers' word for a runtime the best: some can run it. */
function ofWorkers(alive: readonly WorkerInfo[]): Map<string, KnownRuntime> {
  const found = new Map<string, KnownRuntime>();
  for (const runtime of alive.flatMap(({ runtimes }) => runtimes)) {
    if (found.get(runtime.name)?.state !== 'ready') found.set(runtime.name, runtime);
  }
  return found;
}

const waiting = ({ name, version, packages }: Pick<KnownRuntime, 'name' | 'version' | 'packages'>): KnownRuntime => ({
  name,
  version,
  packages,
  state: 'preparing',
  detail: 'no worker that has it is alive; jobs wait for one: npm run worker',
});

/**
 * What workers say that they can run. A runtime whose workers are gone is still there for as long as finished jobs are kept: jobs for it
 * wait. Where no worker has ever been, they may ask for the default. While the store is away the last word counts.
 */
export async function announcedRuntimes(store: Store, config: Config, logger: Logger): Promise<AnnouncedRuntimes> {
  let alive: readonly WorkerInfo[] = [];
  let seen: readonly SeenRuntime[] = [];
  const look = async (): Promise<void> => {
    const since = config.RETENTION_HOURS === 0 ? -Infinity : Date.now() - config.RETENTION_HOURS * HOUR_MS;
    const now = await store.workers();
    alive = now.alive;
    seen = now.runtimes.filter(({ seenAt }) => seenAt > since);
  };
  await look();
  const stop = repeat('looking for workers', EVERY_MS, logger, look);

  const known = (): Map<string, KnownRuntime> => {
    const found = ofWorkers(alive);
    for (const runtime of seen.toSorted(newestFirst)) if (!found.has(runtime.name)) found.set(runtime.name, waiting(runtime));
    if (found.size === 0) {
      const name = config.DEFAULT_RUNTIME ?? PREFERRED;
      found.set(name, waiting({ name, version: '', packages: {} }));
    }
    return found;
  };
  const defaultOf = (found: Map<string, KnownRuntime>): string => {
    const wanted = config.DEFAULT_RUNTIME ?? PREFERRED;
    const named = config.RUNTIME_ALIASES[wanted] ?? wanted;
    if (found.has(named)) return named;
    return alive[0]?.runtimes[0]?.name ?? [...found.keys()][0] ?? named;
  };

  return {
    list() {
      const found = known();
      const main = defaultOf(found);
      return [...found.values()].toSorted((a, b) => Number(b.name === main) - Number(a.name === main) || newestFirst(a, b));
    },
    resolve: (name) => known().get(config.RUNTIME_ALIASES[name] ?? name),
    get defaultName() {
      return defaultOf(known());
    },
    workers: () => alive,
    stop,
  };
}
