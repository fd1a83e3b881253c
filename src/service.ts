import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { chooseArtifacts } from './compose/choose-artifacts.ts';
import { chooseSandbox } from './compose/choose-sandbox.ts';
import { chooseStore } from './compose/choose-store.ts';
import { listen } from './compose/listen.ts';
import { openAccess } from './compose/open-access.ts';
import { createObservers } from './compose/observe.ts';
import { startWebhooks } from './compose/start-webhooks.ts';
import { undoList, type UndoList } from './compose/undo-list.ts';
import type { Config } from './config.ts';
import { mountDropIns } from './dropin/drop-ins.ts';
import { errnoOf, StartError } from './errors.ts';
import { createApp } from './http/app.ts';
import { mountMcp } from './mcp/http.ts';
import { localJobs } from './mcp/local-jobs.ts';
import { createReadiness } from './readiness.ts';
import { createRuntimes } from './runtimes/runtimes.ts';
import type { Runtimes } from './runtimes/runtime.ts';
import type { Sandbox, SandboxHealth } from './sandbox/sandbox.ts';
import { watchAll } from './worker/attempt-watch.ts';
import { startRescuer } from './worker/rescuer.ts';
import { startRetention } from './worker/retention.ts';
import { startWorker } from './worker/worker.ts';

export interface Service {
  /** Where it listens, such as `http://127.0.0.1:8000`. */
  url: string;
  sandbox: SandboxHealth & { name: Sandbox['name'] };
  runtimes: Runtimes;
  /** Drains and stops: running jobs end within the grace time or go back to the queue. */
  stop(): Promise<void>;
}

/** Source and built code lie equally deep below the package's root. */
const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))).version;

const HOUR_MS = 3_600_000;
const GIB = 1024 ** 3;
const RETENTION_EVERY_MS = 60_000;

/** Composes and starts the service; `tell` hears what takes a while, in words for people. Throws a StartError, with nothing left running, when a part can't work. */
export async function startService(
  config: Config,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<Service> {
  const undo = undoList(logger);
  try {
    return await compose(config, logger, environment, tell, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function compose(
  config: Config,
  logger: Logger,
  environment: NodeJS.ProcessEnv,
  tell: (line: string) => void,
  undo: UndoList,
): Promise<Service> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new StartError(
      `The data folder ${config.dataDir} can't be made (${errnoOf(error) ?? String(error)}).`,
      'set JOB_DATA_DIR to a folder that this user may write to',
      error,
    );
  });
  const observers = await createObservers(config, VERSION, logger);
  undo.add(() => observers.close());
  // First, for its lock says that no other service lives on this folder.
  const store = observers.observe(await chooseStore(config));
  undo.add(() => store.close());
  await store.check();

  const artifacts = await chooseArtifacts(config);
  undo.add(() => artifacts.close());
  await artifacts.check();
  await artifacts.sweep(0);

  const runtimes = await createRuntimes({
    dir: join(dirname(config.dataDir), 'runtimes'),
    defaultRuntime: config.DEFAULT_RUNTIME,
    aliases: config.RUNTIME_ALIASES,
    packages: config.RUNTIME_PACKAGES,
    searchPath: config.PYTHON_SEARCH_PATH,
    environment,
    log: tell,
  });
  undo.add(() => runtimes.close());

  const sandbox = await chooseSandbox(config, runtimes, observers.warm);
  undo.add(() => sandbox.close());
  const health = await sandbox.check();
  observers.describe(config.CONCURRENCY, { store: store.name, sandbox: sandbox.name, artifacts: artifacts.name });
  const anticipate = (): void => {
    const runtime = runtimes.get(runtimes.defaultName);
    if (runtime?.state === 'ready') sandbox.anticipate(runtime.interpreter);
  };
  anticipate();
  runtimes.onChange(anticipate);

  const access = await openAccess(config, logger);
  undo.add(async () => access.keys?.close());
  const app = await createApp({
    config,
    version: VERSION,
    store,
    artifacts,
    runtimes,
    logger,
    readiness: createReadiness({ store, artifacts, runtimes, sandbox: { name: sandbox.name, ...health } }),
    access,
    watch: observers.submit,
    events: observers.http,
    metrics: observers.expose,
    outbound: health.outbound,
    mount: async (app, more) => {
      const all = { config, store, artifacts, runtimes, ...more };
      await mountDropIns(app, all);
      await mountMcp(app, { config, jobs: (sender) => localJobs(all, sender), version: VERSION });
    },
  });
  undo.add(() => app.close());
  const url = await listen(app, config);

  const stopRescuer = startRescuer(store, config.MAX_ATTEMPTS, config.LEASE_MS / 2, logger);
  undo.add(stopRescuer);
  undo.add(
    startRetention(
      store,
      artifacts,
      { maxAgeMs: config.RETENTION_HOURS * HOUR_MS, maxBytes: config.RETENTION_GB * GIB },
      RETENTION_EVERY_MS,
      logger,
    ),
  );
  const webhooks = startWebhooks(config, store, observers.webhooks, VERSION, logger);
  undo.add(webhooks.stop);
  const worker = startWorker({
    store,
    artifacts,
    sandbox,
    runtimes,
    logger,
    concurrency: config.CONCURRENCY,
    drainGraceMs: config.DRAIN_GRACE_MS,
    watch: watchAll(observers.attempts, webhooks.attempts),
    rules: {
      leaseMs: config.LEASE_MS,
      collect: { maxFiles: config.MAX_ARTIFACTS, maxDepth: config.MAX_ARTIFACT_DEPTH, maxMs: config.MAX_COLLECT_MS },
    },
  });
  // Drained while requests are still answered: whoever follows a job sees its end.
  undo.add(() => worker.drain());

  return { url, sandbox: { name: sandbox.name, ...health }, runtimes, stop: () => undo.run() };
}
