import type { Logger } from 'pino';
import { keepHouse } from './compose/keep-house.ts';
import { createObservers } from './compose/observe.ts';
import { openShared } from './compose/open-shared.ts';
import { prepareToRun, type Hosting } from './compose/run-jobs.ts';
import { startWebhooks } from './compose/start-webhooks.ts';
import { composed, type UndoList } from './compose/undo-list.ts';
import type { Config } from './config.ts';
import { exposeWorkerMetrics } from './compose/worker-metrics.ts';
import { VERSION } from './version.ts';

export interface WorkerService {
  hosting: Hosting;
  /** Drains and stops. */
  stop(): Promise<void>;
}

/** Composes and starts a worker of its own: it runs jobs that APIs elsewhere have accepted. Throws a StartError, with nothing left running, when a part can't work. */
export function startWorkerService(
  config: Config,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<WorkerService> {
  return composed(logger, (undo) => compose(config, logger, environment, tell, undo));
}

async function compose(
  config: Config,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  tell: (line: string) => void,
  undo: UndoList,
): Promise<WorkerService> {
  const observers = await createObservers(config, VERSION, logger);
  undo.add(() => observers.close());
  const { store, artifacts } = await openShared(config, observers, logger, undo);
  const hosting = await prepareToRun({ config, store, artifacts, observers, environment, logger, tell, undo });
  keepHouse(config, store, artifacts, logger, undo);
  const webhooks = startWebhooks(config, store, observers.webhooks, VERSION, logger);
  undo.add(webhooks.stop);
  await exposeWorkerMetrics(config, observers.expose, undo);
  await hosting.announce();
  hosting.start(webhooks.attempts);
  return { hosting, stop: () => undo.run() };
}
