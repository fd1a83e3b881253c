import type { Logger } from 'pino';
import type { RescueRules, Store } from '../store/store.ts';
import { runnerEntry, says } from '../jobs/runner-lines.ts';
import { repeat } from './repeat.ts';

export const rescueRules = (maxAttempts: number): RescueRules => ({
  maxAttempts,
  retryLog: (job) => [runnerEntry(says.retrying(job.attempt, maxAttempts), Date.now())],
  canceledLog: () => [runnerEntry(says.canceled(), Date.now())],
  lostLog: () => [runnerEntry(says.workerLost(), Date.now())],
});

/** Looks for jobs whose worker is gone: at once, then every `everyMs`. Returns how to stop it. */
export const startRescuer = (store: Store, maxAttempts: number, everyMs: number, logger: Logger): (() => Promise<void>) =>
  repeat('rescuing', everyMs, logger, async () => {
    const { requeued, lost } = await store.rescue(rescueRules(maxAttempts));
    for (const job of requeued) logger.warn({ job }, 'its worker is gone: back to the queue');
    for (const job of lost) logger.warn({ job }, 'its worker is gone and no attempts are left');
  });
