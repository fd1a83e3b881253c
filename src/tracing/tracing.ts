import { setTimeout as delay } from 'node:timers/promises';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { WatchSubmit } from '../jobs/submit-watch.ts';
import type { WatchAttempt } from '../worker/attempt-watch.ts';
import { attemptSpans } from './attempt-spans.ts';
import { createSampler, type SamplerName } from './sampler.ts';
import { submitSpans } from './submit-spans.ts';

const CLOSE_MS = 2000;

export interface TracingOptions {
  serviceName: string;
  version: string;
  sampler: SamplerName;
  /** Share of the traces that a sampler by ratio takes. */
  ratio: number;
  /** How long spans are gathered before they are sent. */
  delayMs: number;
  logger: Logger;
}

/** Spans from a job's submission to its end, sent to a collector. Where to, and how, the exporter reads from its own variables. */
export interface Tracing {
  submit: WatchSubmit;
  attempts: WatchAttempt;
  /** Sends what has not been sent yet. */
  close(): Promise<void>;
}

export function startTracing({ serviceName, version, sampler, ratio, delayMs, logger }: TracingOptions): Tracing {
  const say =
    (level: 'error' | 'warn' | 'debug') =>
    (message: string, ...more: unknown[]): void =>
      logger[level]({ more }, `tracing: ${message}`);
  // The packages speak through this one place only.
  diag.setLogger(
    { error: say('warn'), warn: say('warn'), info: say('debug'), debug: say('debug'), verbose: say('debug') },
    DiagLogLevel.WARN,
  );
  const provider = new TracerProvider({
    sampler: createSampler(sampler, ratio),
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: delayMs })],
  });
  const tracer = provider.getTracer('job-runner', version);
  return {
    submit: submitSpans(tracer),
    attempts: attemptSpans(tracer),
    async close() {
      // A collector that does not answer must not keep the service from ending.
      await Promise.race([provider.shutdown(), delay(CLOSE_MS, undefined, { ref: false })]);
      diag.disable();
    },
  };
}
