import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HttpEvents } from '../http/http-events.ts';
import type { PoolEvents } from '../sandbox/warm/pool.ts';
import type { Store } from '../store/store.ts';
import type { WatchAttempt } from '../worker/attempt-watch.ts';
import type { WebhookEvents } from '../webhooks/notifier.ts';
import { attemptMetrics } from './attempt-metrics.ts';
import { httpMetrics } from './http-metrics.ts';
import { observeStore } from './observed-store.ts';
import { storeGauges, storeMetrics } from './store-metrics.ts';
import { webhookMetrics } from './webhook-metrics.ts';

/** What is measured, for Prometheus. docs/operating.md tells what each metric means; a test compares. */
export interface Metrics {
  /** The store, watched. */
  observe(store: Store): Store;
  attempts: WatchAttempt;
  http: HttpEvents;
  warm: PoolEvents;
  webhooks: WebhookEvents;
  /** What is told once: how many jobs run at once here, and what this service is made of. */
  describe(slots: number, parts: Record<string, string>): void;
  expose(): Promise<{ contentType: string; text: string }>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const storeEvents = storeMetrics(registry);
  let lookAtStore = async (): Promise<void> => undefined;
  const troubles = new Counter({ name: 'job_runner_warm_troubles_total', help: 'Times that warm starts did not work', registers });

  const made = new Histogram({
    name: 'job_runner_warm_made_seconds',
    help: 'How long making a sandbox ahead of its job took',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1],
    registers,
  });

  const ready = new Gauge({ name: 'job_runner_warm_ready', help: 'Sandboxes that wait for their jobs in this process', registers });

  return {
    observe(store) {
      // Asked past the watch: who looks must not be seen in what is looked at.
      lookAtStore = storeGauges(registry, store);
      return observeStore(store, storeEvents);
    },
    attempts: attemptMetrics(registry),
    http: httpMetrics(registry),
    webhooks: webhookMetrics(registry),
    warm: { trouble: () => troubles.inc(), made: (ms) => made.observe(ms / 1000), ready: (change) => ready.inc(change) },
    describe(slots, parts) {
      new Gauge({ name: 'job_runner_slots', help: 'Jobs that run at once in this process', registers }).set(slots);
      const info = new Gauge({
        name: 'job_runner_info',
        help: 'Always 1; what the service is made of is in the labels',
        labelNames: Object.keys(parts),
        registers,
      });
      info.set(parts, 1);
    },
    async expose() {
      await lookAtStore();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
