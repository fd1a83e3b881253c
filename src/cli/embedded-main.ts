import { rm } from 'node:fs/promises';
import { createClient } from '../client/client.ts';
import { readConfig, type Config } from '../config.ts';
import { StartError } from '../errors.ts';
import { createLogger } from '../logger.ts';
import { startService, type Service } from '../service.ts';
import type { FromEmbedded } from './embedded.ts';

/** The process of a service that lives as long as the command that started it. They speak over the channel of `fork`. */

const SQLITE_BUSY = 5;

const tell = (message: FromEmbedded): void => {
  if (process.connected) process.send?.(message);
};

const isTaken = (error: unknown): boolean =>
  error instanceof StartError && error.cause instanceof Error && 'errcode' in error.cause && error.cause.errcode === SQLITE_BUSY;

/** The user's jobs are for one service at a time. While another command has them, this one gets a folder of its own, for as long as it lives. */
async function startSomewhere(config: Config): Promise<{ service: Service; cleanUp: () => Promise<void> }> {
  const logger = createLogger(config.LOG_LEVEL);
  const start = (dataDir: string): Promise<Service> =>
    startService({ ...config, dataDir }, logger, process.env, (line) => tell({ kind: 'note', line }));
  try {
    return { service: await start(config.dataDir), cleanUp: async () => undefined };
  } catch (error) {
    if (!isTaken(error)) throw error;
    const dataDir = `${config.dataDir}-${process.pid}`;
    return { service: await start(dataDir), cleanUp: () => rm(dataDir, { recursive: true, force: true }) };
  }
}

/** Nobody is there any more to look at what still runs. */
async function cancelAll(url: string): Promise<void> {
  const client = createClient({ url });
  for (const status of ['queued', 'running'] as const) {
    for await (const job of client.listAll({ status })) await client.cancel(job.id);
  }
}

async function main(): Promise<void> {
  // Ctrl-C is the command's business.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const left = new Promise<void>((resolve) => process.once('disconnect', resolve));
  const { service, cleanUp } = await startSomewhere(readConfig());
  tell({ kind: 'ready', url: service.url, isolated: service.hosting?.sandbox.guarantees.filesystem === true });
  await left;
  await cancelAll(service.url);
  await service.stop();
  await cleanUp();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const told = error instanceof Error ? error : new Error(String(error));
    tell({ kind: 'refused', message: told.message, remedy: error instanceof StartError ? error.remedy : undefined });
    process.exit(1);
  },
);
