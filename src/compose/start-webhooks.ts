import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { createDecision, parseRange, rulesFor } from '../sandbox/egress/ranges.ts';
import { ownAddresses } from '../sandbox/egress/tools.ts';
import type { Store } from '../store/store.ts';
import { startNotifier, usualRetryMs, type WebhookEvents } from '../webhooks/notifier.ts';
import { unwatched, type WatchAttempt } from '../worker/attempt-watch.ts';

/** Variables for programs are others' business. */
const silent: WatchAttempt = (job) => ({ ...unwatched(job), environment: {} });

export interface Webhooks {
  /** For jobs of this process, not to wait until the notifier looks by itself. */
  attempts: WatchAttempt;
  stop(): Promise<void>;
}

/** Tells callbacks, where there is a secret to sign with. */
export function startWebhooks(config: Config, store: Store, events: WebhookEvents, version: string, logger: Logger): Webhooks {
  if (config.WEBHOOK_SECRET.length === 0) return { attempts: silent, stop: async () => undefined };
  const allowed = config.WEBHOOK_ALLOW_PRIVATE.map(parseRange).filter((range) => range !== undefined);
  const notifier = startNotifier({
    store,
    secrets: config.WEBHOOK_SECRET,
    // Callbacks may go where jobs themselves may: to the public internet, and what the operator has named.
    isAllowed: createDecision(rulesFor(ownAddresses(), [], allowed)),
    retryMs: usualRetryMs,
    timeoutMs: config.WEBHOOK_TIMEOUT_MS,
    version,
    logger,
    events,
  });
  return {
    attempts: (job) => ({ ...silent(job), over: notifier.wake }),
    stop: notifier.stop,
  };
}
