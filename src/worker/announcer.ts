import type { Logger } from 'pino';
import type { Runtimes } from '../runtimes/runtime.ts';
import type { Sandbox, SandboxHealth } from '../sandbox/sandbox.ts';
import type { Store, WorkerInfo } from '../store/store.ts';
import { repeat } from './repeat.ts';
import { workerName } from './worker.ts';

export interface AnnouncerParts {
  store: Store;
  runtimes: Runtimes;
  sandbox: SandboxHealth & { name: Sandbox['name'] };
  concurrency: number;
  logger: Logger;
}

const EVERY_MS = 5000;
/** Several chances to be heard. */
const TTL_MS = 4 * EVERY_MS;

/** Tells all who share the store that this worker is alive and what it can run, now and whenever that changes. Returns how to stop, which tells that it is gone. */
export async function startAnnouncer({ store, runtimes, sandbox, concurrency, logger }: AnnouncerParts): Promise<() => Promise<void>> {
  const { name, guarantees, notes } = sandbox;
  const info = (): WorkerInfo => ({
    name: workerName,
    concurrency,
    runtimes: runtimes.list().map(({ name: runtime, version, state, packages, detail }) => ({
      name: runtime,
      version,
      state,
      packages,
      ...(detail === undefined ? {} : { detail }),
    })),
    sandbox: { name, guarantees: { ...guarantees }, notes },
  });
  const announce = (): Promise<void> => store.announce(info(), TTL_MS);
  const tryNow = async (): Promise<void> => {
    await announce().catch((error: unknown) =>
      logger.warn({ err: error }, 'the worker could not tell what has changed; it tells again soon'),
    );
  };

  await tryNow();
  const unwatch = runtimes.onChange(() => void tryNow());
  const stop = repeat('telling that the worker is alive', EVERY_MS, logger, announce);
  return async () => {
    unwatch();
    await stop();
    await store.withdraw(workerName);
  };
}
