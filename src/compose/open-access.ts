import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Access } from '../http/auth.ts';
import type { Limits } from '../jobs/caller.ts';
import { openKeys } from '../keys/keys.ts';
import { createTokens, tokenSecretAt } from '../keys/tokens.ts';

const MIB = 1024 ** 2;

const boundOf = (value: number, unit = 1): number | undefined => (value === 0 ? undefined : value * unit);

/** What an owner may have whose entry in the file of keys says nothing else. */
const limitsOf = (config: Config): Limits => ({
  maxQueued: boundOf(config.KEY_MAX_QUEUED),
  maxRunning: boundOf(config.KEY_MAX_RUNNING),
  jobsPerMinute: boundOf(config.KEY_JOBS_PER_MINUTE),
  uploadBytesPerMinute: boundOf(config.KEY_UPLOAD_MB_PER_MINUTE, MIB),
  storedBytes: boundOf(config.KEY_STORED_MB, MIB),
  maxViewers: boundOf(config.KEY_MAX_VIEWERS),
});

/** Who may call, as the configuration says. Throws a StartError for a file of keys that is missing or broken. */
export async function openAccess(config: Config, logger: Logger): Promise<Access> {
  const tokens = createTokens(config.TOKEN_SECRET ?? (await tokenSecretAt(join(config.dataDir, 'token-secret'))));
  if (config.API_KEYS_FILE === undefined) return { keys: undefined, tokens };
  const keys = await openKeys({
    path: config.API_KEYS_FILE,
    defaults: limitsOf(config),
    events: {
      loaded: (count) => logger.info({ keys: count }, 'other API keys hold now'),
      trouble: (error) => logger.error({ err: error }, 'the file of API keys is broken; the keys of before hold on'),
    },
  });
  if (keys.count() === 0) logger.warn(`there is no key in ${config.API_KEYS_FILE}: nobody is let in`);
  return { keys, tokens };
}
