import type { Logger } from 'pino';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import type { Sandbox, SandboxHealth } from '../sandbox/sandbox.ts';
import type { Store } from '../store/store.ts';
import { watchAll, type WatchAttempt } from '../worker/attempt-watch.ts';
import { startAnnouncer } from '../worker/announcer.ts';
import { startWorker } from '../worker/worker.ts';
import { takePlace } from './host-place.ts';
import type { Observers } from './observe.ts';
import { openSandbox } from './open-sandbox.ts';
import type { UndoList } from './undo-list.ts';

export interface RunningParts {
  config: Config;
  store: Store;
  artifacts: Artifacts;
  observers: Observers;
  environment: NodeJS.ProcessEnv;
  logger: Logger;
  /** Hears what takes a while, in words for people. */
  tell: (line: string) => void;
  undo: UndoList;
}

/** What this host can run, and in what. */
export interface Hosting {
  runtimes: Runtimes;
  sandbox: SandboxHealth & { name: Sandbox['name'] };
  /** Tells all who share the store. */
  announce(): Promise<void>;
  /** Begins to claim jobs; `watch` hears of each attempt. */
  start(watch: WatchAttempt): void;
}

/** Apart from each other, and from whatever else has users near these. */
const USERS_PER_PLACE = 4096;

/** Those who share a host and a folder must not share what the folder's name stands for there. */
async function ownPlace(config: Config, undo: UndoList): Promise<Config> {
  // The database's lock keeps others away from the folder.
  if (config.redisUrl === undefined) return config;
  const place = await takePlace(config.dataDir);
  undo.add(() => place.release());
  if (place.index === 0) return config;
  return { ...config, dataDir: `${config.dataDir}#${place.index}`, SANDBOX_UID: config.SANDBOX_UID + place.index * USERS_PER_PLACE };
}

/** Prepares to run jobs in this process. Throws a StartError when that can't be. */
export async function prepareToRun(parts: RunningParts): Promise<Hosting> {
  const { config, store, artifacts, observers, environment, logger, tell, undo } = parts;
  const place = await ownPlace(config, undo);
  const opened = await openSandbox({ config: place, logger, environment, tell, warmEvents: observers.warm }, undo);
  const { sandbox: driver, runtimes } = opened;
  const sandbox = { name: driver.name, ...opened.health };
  observers.describe(config.CONCURRENCY, { store: store.name, sandbox: driver.name, artifacts: artifacts.name });
  const anticipate = (): void => {
    const runtime = runtimes.get(runtimes.defaultName);
    if (runtime?.state === 'ready') driver.anticipate(runtime.interpreter);
  };
  anticipate();
  runtimes.onChange(anticipate);

  return {
    runtimes,
    sandbox,
    async announce() {
      undo.add(await startAnnouncer({ store, runtimes, sandbox, concurrency: config.CONCURRENCY, logger }));
    },
    start(watch) {
      const worker = startWorker({
        store,
        artifacts,
        sandbox: driver,
        runtimes,
        logger,
        concurrency: config.CONCURRENCY,
        drainGraceMs: config.DRAIN_GRACE_MS,
        watch: watchAll(observers.attempts, watch),
        rules: {
          leaseMs: config.LEASE_MS,
          collect: { maxFiles: config.MAX_ARTIFACTS, maxDepth: config.MAX_ARTIFACT_DEPTH, maxMs: config.MAX_COLLECT_MS },
        },
      });
      undo.add(() => worker.drain());
    },
  };
}
