import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import { createSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';

const HOUR_MS = 3_600_000;
/** Records in Redis go by themselves so long after somebody should have removed them. */
const SPARE_HOURS = 24;

/** The store that the configuration names; not yet checked. Logs of finished jobs may go to the artifacts. */
export async function chooseStore(config: Config, artifacts: Artifacts, logger: Logger): Promise<Store> {
  if (config.redisUrl === undefined) return createSqliteStore({ path: join(config.dataDir, 'jobs.sqlite'), sync: config.SQLITE_SYNC });
  const { createRedisStore } = await import('../store/redis.ts');
  return createRedisStore({
    url: config.redisUrl,
    prefix: config.REDIS_PREFIX,
    archive: artifacts,
    leaseMs: config.LEASE_MS,
    // Redis takes whole milliseconds only.
    keepMs: config.RETENTION_HOURS === 0 ? 0 : Math.round((config.RETENTION_HOURS + SPARE_HOURS) * HOUR_MS),
    warn: (what, error) => logger.warn({ err: error }, what),
  });
}
