import { Histogram, type Registry } from 'prom-client';
import type { WebhookEvents } from '../webhooks/notifier.ts';

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function webhookMetrics(registry: Registry): WebhookEvents {
  const tries = new Histogram({
    name: 'job_runner_webhook_seconds',
    help: 'How long one try to tell a callback took, by what became of it',
    labelNames: ['result'],
    buckets: SECONDS,
    registers: [registry],
  });
  return { tried: (result, ms) => tries.observe({ result }, ms / 1000) };
}
