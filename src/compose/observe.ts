import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { HttpEvents } from '../http/http-events.ts';
import type { Exposition } from '../http/metrics.ts';
import { unwatchedSubmit, type WatchSubmit } from '../jobs/submit-watch.ts';
import type { PoolEvents } from '../sandbox/warm/pool.ts';
import type { Store } from '../store/store.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { WebhookEvents } from '../webhooks/notifier.ts';
import { unwatched, watchAll, type WatchAttempt } from '../worker/attempt-watch.ts';

/** Whoever watches the service at work, as the configuration names them: its log, metrics, traces. */
export interface Observers {
  observe(store: Store): Store;
  submit: WatchSubmit;
  attempts: WatchAttempt;
  http: HttpEvents;
  warm: PoolEvents;
  webhooks: WebhookEvents;
  describe(slots: number, parts: Record<string, string>): void;
  /** Undefined: no metrics. */
  expose: Exposition | undefined;
  close(): Promise<void>;
}

export async function createObservers(config: Config, version: string, logger: Logger): Promise<Observers> {
  const metrics = config.METRICS ? (await import('../metrics/metrics.ts')).createMetrics() : undefined;
  const tracing = await startTraces(config, version, logger);
  const submit = tracing?.submit ?? unwatchedSubmit;
  return {
    observe: (store) => metrics?.observe(store) ?? store,
    submit: (sender) => logged(sender.requestId, submit(sender), logger),
    attempts: watchAll(metrics?.attempts ?? unwatched, tracing?.attempts ?? unwatched),
    http: {
      answered(answer) {
        const { requestId: request, jobId: job, ms, ...rest } = answer;
        logger.debug({ request, job, ...rest, ms: Math.round(ms) }, 'answered');
        metrics?.http.answered(answer);
      },
      viewers: (change) => metrics?.http.viewers(change),
    },
    webhooks: { tried: (result, ms) => metrics?.webhooks.tried(result, ms) },
    warm: {
      trouble(what, error) {
        logger.warn({ err: error }, what);
        metrics?.warm.trouble(what, error);
      },
      made: (ms) => metrics?.warm.made?.(ms),
      ready: (change) => metrics?.warm.ready?.(change),
    },
    describe: (slots, parts) => metrics?.describe(slots, { version, ...parts }),
    expose: metrics?.expose,
    close: async () => tracing?.close(),
  };
}

async function startTraces(config: Config, version: string, logger: Logger): Promise<Tracing | undefined> {
  const endpoint = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || config.OTEL_SDK_DISABLED === 'true') return undefined;
  const { startTracing } = await import('../tracing/tracing.ts');
  return startTracing({
    serviceName: config.OTEL_SERVICE_NAME,
    version,
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
    delayMs: config.OTEL_BSP_SCHEDULE_DELAY,
    logger,
  });
}

/** One line that knows both the request and its job: from there on each goes by its own id. */
function logged(request: string | undefined, watched: ReturnType<WatchSubmit>, logger: Logger): ReturnType<WatchSubmit> {
  return {
    traceparent: watched.traceparent,
    accepted(job, isNew) {
      logger.info({ request, job: job.id, ...(job.owner === '' ? {} : { owner: job.owner }) }, isNew ? 'accepted' : 'accepted before');
      watched.accepted(job, isNew);
    },
    refused: (error) => watched.refused(error),
  };
}
