import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import { errnoOf, StartError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { chooseArtifacts } from './choose-artifacts.ts';
import { chooseStore } from './choose-store.ts';
import type { Observers } from './observe.ts';
import type { UndoList } from './undo-list.ts';

/** Opens the store and the artifacts, checked. Throws a StartError. */
export async function openShared(
  config: Config,
  observers: Observers,
  logger: Logger,
  undo: UndoList,
): Promise<{ store: Store; artifacts: Artifacts }> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new StartError(
      `The data folder ${config.dataDir} can't be made (${errnoOf(error) ?? String(error)}).`,
      'set JOB_DATA_DIR to a folder that this user may write to',
      error,
    );
  });
  const artifacts = await chooseArtifacts(config);
  undo.add(() => artifacts.close());
  // Before the files are looked at: the embedded store's lock says that no other service lives on this folder.
  const store = observers.observe(await chooseStore(config, artifacts, logger));
  undo.add(() => store.close());
  await store.check();
  await artifacts.check();
  // Where others may be uploading, leftovers are swept by their age, with what else is old.
  if (config.redisUrl === undefined) await artifacts.sweep(0);
  return { store, artifacts };
}
