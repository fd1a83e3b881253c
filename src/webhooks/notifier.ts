import type { Logger } from 'pino';
import { viewOf } from '../jobs/view.ts';
import type { Notice, Store } from '../store/store.ts';
import { AddressRefused, post } from './post.ts';
import { signedHeaders } from './sign.ts';

/** What became of one try. */
export type WebhookResult = 'delivered' | 'put_off' | 'given_up';

export interface WebhookEvents {
  tried(result: WebhookResult, ms: number): void;
}

export interface NotifierOptions {
  store: Store;
  /** Each signs, so that receivers can go from one to the next. */
  secrets: readonly Buffer[];
  isAllowed: (address: string) => boolean;
  /** After so many tries, how long until the next; undefined: there is none. */
  retryMs: (tries: number) => number | undefined;
  timeoutMs: number;
  version: string;
  logger: Logger;
  events: WebhookEvents;
}

export interface Notifier {
  /** Something may be due. */
  wake(): void;
  /** Breaks off what is under way; whoever comes next tries again. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1000;
const AT_ONCE = 8;
/** After a try's own time, for its outcome to be written. */
const SPARE_MS = 20_000;
/** The receiver wants no more of these (Standard Webhooks, "Delivery"). */
const GONE = 410;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const RETRIES_MS = [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS];

/** Nine tries within 18 hours, spread a little, so that many that failed together don't come back together. */
export function usualRetryMs(tries: number): number | undefined {
  const ms = RETRIES_MS[tries - 1];
  return ms === undefined ? undefined : Math.round(ms * (0.9 + Math.random() / 5));
}

/** Tells the ends of jobs to their callbacks: at least once, in no particular order, for as long as it takes or is worth it. */
export function startNotifier(options: NotifierOptions): Notifier {
  const { store, logger } = options;
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();
  let looking: Promise<void> | undefined;
  let again = false;

  const settle = async ({ job, tries }: Notice, status: number | undefined, error: unknown, startedAt: number): Promise<void> => {
    const words = { job: job.id, url: job.spec.callback_url, tries, ...(error === undefined ? { status } : { err: error }) };
    if (stopping.signal.aborted && error !== undefined) return store.settleNotice(job.id, 0);
    const isDelivered = status !== undefined && status >= 200 && status < 300;
    const retryMs = isDelivered || status === GONE || error instanceof AddressRefused ? undefined : options.retryMs(tries);
    await store.settleNotice(job.id, retryMs);
    const result = isDelivered ? 'delivered' : retryMs === undefined ? 'given_up' : 'put_off';
    options.events.tried(result, performance.now() - startedAt);
    if (isDelivered) logger.debug(words, 'told the callback');
    else if (retryMs === undefined) logger.warn(words, 'the callback could not be told, and will not be');
    else logger.info({ ...words, retryMs }, 'the callback could not be told; trying again later');
  };

  const send = async (notice: Notice): Promise<void> => {
    const startedAt = performance.now();
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(options.timeoutMs)]);
    let status: number | undefined;
    let failure: unknown;
    try {
      const { url, headers, body } = messageOf(notice, options);
      status = await post(url, headers, body, options.isAllowed, signal);
    } catch (error) {
      failure = error;
    }
    await settle(notice, status, failure, startedAt);
  };

  const look = async (): Promise<void> => {
    do {
      again = false;
      const limit = AT_ONCE - underWay.size;
      const due = limit > 0 ? await store.takeNotices({ limit, leaseMs: options.timeoutMs + SPARE_MS }) : [];
      for (const notice of due) {
        const sent = send(notice)
          .catch((error: unknown) => logger.error({ err: error, job: notice.job.id }, 'what became of a callback could not be written'))
          .then(() => {
            underWay.delete(sent);
            wake();
          });
        underWay.add(sent);
      }
    } while (again && !stopping.signal.aborted);
  };
  const wake = (): void => {
    again = true;
    if (stopping.signal.aborted) return;
    looking ??= look()
      .catch((error: unknown) => logger.error({ err: error }, 'looking for callbacks to tell failed; trying again'))
      .finally(() => (looking = undefined));
  };
  const timer = setInterval(wake, LOOK_EVERY_MS);
  wake();

  return {
    wake,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await looking;
      await Promise.all(underWay);
    },
  };
}

function messageOf({ job }: Notice, { secrets, version }: NotifierOptions): { url: string; headers: Record<string, string>; body: string } {
  const url = job.spec.callback_url;
  if (url === undefined) throw new Error(`the job ${job.id} has no callback`);
  const now = Date.now();
  const data = { job: viewOf(job), log_lines: job.logLines };
  const body = JSON.stringify({ type: 'job.finished', timestamp: new Date(job.finishedAt ?? now).toISOString(), data });
  return {
    url,
    body,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `job-runner/${version}`,
      ...(job.traceparent === null ? {} : { traceparent: job.traceparent }),
      // A job ends once: its id is the message's, on every try.
      ...signedHeaders(secrets, job.id, body, now),
    },
  };
}
