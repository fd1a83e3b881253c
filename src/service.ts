import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { createDiskArtifacts } from './artifacts/disk.ts';
import type { Artifacts } from './artifacts/artifacts.ts';
import type { Config } from './config.ts';
import { mountDropIns } from './dropin/drop-ins.ts';
import { errnoOf, StartError } from './errors.ts';
import { createApp } from './http/app.ts';
import { mountMcp } from './mcp/http.ts';
import { localJobs } from './mcp/local-jobs.ts';
import { createReadiness } from './readiness.ts';
import { createRuntimes } from './runtimes/runtimes.ts';
import type { Runtimes } from './runtimes/runtime.ts';
import { createBubblewrap, type BubblewrapOptions } from './sandbox/bubblewrap.ts';
import { createNone } from './sandbox/none.ts';
import type { Sandbox, SandboxHealth } from './sandbox/sandbox.ts';
import { createSqliteStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';
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

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const GIB = 1024 ** 3;
/** More than this many jobs seldom start in one moment. */
const MAX_READY_LAUNCHERS = 8;
/** Making a warm sandbox takes 10 to 20 ms, a cold start twice that and more. */
const WARM_WAIT_MS = 100;
const RETENTION_EVERY_MS = 60_000;

/** Undoes what was started, last first; one that fails doesn't keep the others from being undone. */
function undoList(logger: Logger): { add(undo: () => Promise<void>): void; run(): Promise<void> } {
  const undos: (() => Promise<void>)[] = [];
  return {
    add: (undo) => undos.push(undo),
    async run() {
      for (const undo of undos.splice(0).toReversed()) {
        await undo().catch((error: unknown) => logger.error({ err: error }, 'stopping a part failed'));
      }
    },
  };
}

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
  undo: ReturnType<typeof undoList>,
): Promise<Service> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new StartError(
      `The data folder ${config.dataDir} can't be made (${errnoOf(error) ?? String(error)}).`,
      'set JOB_DATA_DIR to a folder that this user may write to',
      error,
    );
  });
  // First, for its lock says that no other service lives on this folder.
  const store: Store = createSqliteStore({ path: join(config.dataDir, 'jobs.sqlite'), sync: config.SQLITE_SYNC });
  undo.add(() => store.close());
  await store.check();

  const artifacts: Artifacts = createDiskArtifacts({ dir: join(config.dataDir, 'files') });
  undo.add(() => artifacts.close());
  await artifacts.check();
  await artifacts.sweep();

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

  const sandbox: Sandbox =
    config.SANDBOX === 'none'
      ? createNone()
      : createBubblewrap({
          instance: createHash('sha256').update(config.dataDir).digest('hex').slice(0, 12),
          firstUid: config.SANDBOX_UID,
          ready: Math.min(config.CONCURRENCY, MAX_READY_LAUNCHERS),
          interpreter: () => runtimes.get(runtimes.defaultName)?.interpreter,
          warm: config.WARM_STARTS ? warmStarts(config, logger) : undefined,
        });
  undo.add(() => sandbox.close());
  const health = await sandbox.check();
  const anticipate = (): void => {
    const runtime = runtimes.get(runtimes.defaultName);
    if (runtime?.state === 'ready') sandbox.anticipate(runtime.interpreter);
  };
  anticipate();
  runtimes.onChange(anticipate);

  const app = await createApp({
    config,
    version: VERSION,
    store,
    artifacts,
    runtimes,
    logger,
    readiness: createReadiness({ store, artifacts, runtimes, sandbox: { name: sandbox.name, ...health } }),
    mount: async (app, submitter) => {
      const all = { config, store, artifacts, runtimes, submitter };
      await mountDropIns(app, all);
      await mountMcp(app, { config, jobs: localJobs(all), version: VERSION });
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
  const worker = startWorker({
    store,
    artifacts,
    sandbox,
    runtimes,
    logger,
    concurrency: config.CONCURRENCY,
    drainGraceMs: config.DRAIN_GRACE_MS,
    rules: {
      leaseMs: config.LEASE_MS,
      collect: { maxFiles: config.MAX_ARTIFACTS, maxDepth: config.MAX_ARTIFACT_DEPTH, maxMs: config.MAX_COLLECT_MS },
    },
  });
  // Drained while requests are still answered: whoever follows a job sees its end.
  undo.add(() => worker.drain());

  return { url, sandbox: { name: sandbox.name, ...health }, runtimes, stop: () => undo.run() };
}

const warmStarts = (config: Config, logger: Logger): BubblewrapOptions['warm'] => ({
  rules: {
    min: config.WARM_POOL,
    max: Math.max(config.WARM_POOL, config.WARM_POOL_MAX),
    recycleJobs: config.WARM_RECYCLE_JOBS,
    recycleMs: config.WARM_RECYCLE_MINUTES * MINUTE_MS,
    waitMs: WARM_WAIT_MS,
  },
  events: { trouble: (what, error) => logger.warn({ err: error }, what) },
});

async function listen(app: FastifyInstance, config: Config): Promise<string> {
  try {
    await app.listen({ host: config.HOST, port: config.PORT });
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE') {
      throw new StartError(
        `Port ${config.PORT} on ${config.HOST} is taken by another program.`,
        `choose another one, such as PORT=${config.PORT + 1} npm start`,
        error,
      );
    }
    if (errnoOf(error) === 'EADDRNOTAVAIL')
      throw new StartError(`${config.HOST} is no address of this machine.`, 'leave HOST unset to listen on 127.0.0.1', error);
    if (errnoOf(error) === 'EACCES')
      throw new StartError(`This user may not listen on port ${config.PORT}.`, 'choose a port above 1023, such as PORT=8000', error);
    throw error;
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
