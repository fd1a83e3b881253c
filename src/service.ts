import type { Logger } from 'pino';
import { announcedRuntimes } from './compose/announced-runtimes.ts';
import { keepHouse } from './compose/keep-house.ts';
import { listen } from './compose/listen.ts';
import { createObservers } from './compose/observe.ts';
import { openAccess } from './compose/open-access.ts';
import { openShared } from './compose/open-shared.ts';
import { prepareToRun, type Hosting } from './compose/run-jobs.ts';
import { startWebhooks } from './compose/start-webhooks.ts';
import { composed, type UndoList } from './compose/undo-list.ts';
import type { Config } from './config.ts';
import { mountDropIns } from './dropin/drop-ins.ts';
import { createApp } from './http/app.ts';
import { mountMcp } from './mcp/http.ts';
import { localJobs } from './mcp/local-jobs.ts';
import { createReadiness } from './readiness.ts';
import { VERSION } from './version.ts';

export interface Service {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  url: string;
  /** Undefined: jobs run in workers only. */
  hosting: Hosting | undefined;
  /** Drains and stops: running jobs end within the grace time or go back to the queue. */
  stop(): Promise<void>;
}

/** Composes and starts the service; `tell` hears what takes a while, in words for people. Throws a StartError, with nothing left running, when a part can't work. */
export function startService(
  config: Config,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<Service> {
  return composed(logger, (undo) => compose(config, logger, environment, tell, undo));
}

async function compose(
  config: Config,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  tell: (line: string) => void,
  undo: UndoList,
): Promise<Service> {
  const observers = await createObservers(config, VERSION, logger);
  undo.add(() => observers.close());
  const { store, artifacts } = await openShared(config, observers, logger, undo);
  const hosting = config.INLINE_WORKER
    ? await prepareToRun({ config, store, artifacts, observers, environment, logger, tell, undo })
    : undefined;
  if (hosting === undefined) observers.describe(0, { store: store.name, artifacts: artifacts.name });
  await hosting?.announce();
  // Alone, a process knows best what it can run itself; with others, all learn from all.
  const announced = config.redisUrl === undefined ? undefined : await announcedRuntimes(store, config, logger);
  undo.add(async () => announced?.stop());
  const runtimes = announced ?? hosting?.runtimes;
  if (runtimes === undefined) throw new Error('nothing says what can run');

  const access = await openAccess(config, logger);
  undo.add(async () => access.keys?.close());
  const app = await createApp({
    config,
    version: VERSION,
    store,
    artifacts,
    runtimes,
    logger,
    readiness: createReadiness({ store, artifacts, runtimes, sandbox: hosting?.sandbox, workers: announced?.workers }),
    access,
    watch: observers.submit,
    events: observers.http,
    metrics: observers.expose,
    // Of several workers' networks each knows its own.
    ...(announced === undefined && hosting !== undefined ? { outbound: hosting.sandbox.outbound } : {}),
    mount: async (app, more) => {
      const all = { config, store, artifacts, runtimes, ...more };
      await mountDropIns(app, all);
      await mountMcp(app, { config, jobs: (sender) => localJobs(all, sender), version: VERSION });
    },
  });
  undo.add(() => app.close());
  const url = await listen(app, config);

  keepHouse(config, store, artifacts, logger, undo);
  const webhooks = startWebhooks(config, store, observers.webhooks, VERSION, logger);
  undo.add(webhooks.stop);
  // The last to start is the first to stop: it drains while requests are still answered, and whoever follows a job sees its end.
  hosting?.start(webhooks.attempts);

  return { url, hosting, stop: () => undo.run() };
}
