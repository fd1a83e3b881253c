import { join } from 'node:path';
import type { Config } from '../config.ts';
import { createSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';

/** The store that the configuration names; not yet checked. */
export async function chooseStore(config: Config): Promise<Store> {
  return createSqliteStore({ path: join(config.dataDir, 'jobs.sqlite'), sync: config.SQLITE_SYNC });
}
