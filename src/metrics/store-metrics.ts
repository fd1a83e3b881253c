import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { endingOf } from '../jobs/outcome.ts';
import { StoreError, type NewLogEntry, type Store } from '../store/store.ts';
import type { StoreEvents } from './observed-store.ts';

const QUICK_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Jobs, logs and files, as the store hears of them. */
export function storeMetrics(registry: Registry): StoreEvents {
  const registers = [registry];
  const submitted = new Counter({
    name: 'job_runner_jobs_submitted_total',
    help: 'Submissions that came to the store, by what became of them',
    labelNames: ['result'],
    registers,
  });
  const ended = new Counter({
    name: 'job_runner_jobs_ended_total',
    help: 'Jobs that are over, by status and cause',
    labelNames: ['status', 'cause'],
    registers,
  });
  const rescued = new Counter({
    name: 'job_runner_jobs_rescued_total',
    help: 'Jobs whose worker was gone, by where they went',
    labelNames: ['to'],
    registers,
  });
  const lines = new Counter({ name: 'job_runner_log_entries_total', help: 'Log entries written', labelNames: ['stream'], registers });
  const logBytes = new Counter({ name: 'job_runner_log_bytes_total', help: 'Bytes of log entries written', registers });
  const uploadBytes = new Counter({ name: 'job_runner_upload_bytes_total', help: 'Bytes of the files of accepted jobs', registers });
  const artifacts = new Counter({ name: 'job_runner_artifacts_total', help: 'Artifacts kept', registers });
  const artifactBytes = new Counter({ name: 'job_runner_artifact_bytes_total', help: 'Bytes of artifacts kept', registers });
  const seconds = new Histogram({
    name: 'job_runner_store_seconds',
    help: 'How long the store took, by what it was asked',
    labelNames: ['method'],
    buckets: QUICK_SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'job_runner_store_errors_total',
    help: 'Calls on which the store failed',
    labelNames: ['method', 'kind'],
    registers,
  });

  const count = (entries: readonly NewLogEntry[]): void => {
    for (const { stream, text } of entries) {
      lines.inc({ stream });
      logBytes.inc(Buffer.byteLength(text));
    }
  };

  return {
    returned: (method, ms) => seconds.observe({ method }, ms / 1000),
    failed: (method, error) => errors.inc({ method, kind: error instanceof StoreError ? error.kind : 'other' }),
    inserted(inserted) {
      submitted.inc({ result: inserted.kind });
      if (inserted.kind === 'created') uploadBytes.inc(inserted.job.bytes);
    },
    appended: count,
    finished(finish) {
      const { status, cause } = endingOf(finish.outcome);
      ended.inc({ status, cause: cause ?? 'none' });
      count(finish.log);
      artifacts.inc(finish.artifacts.length);
      artifactBytes.inc(finish.artifacts.reduce((sum, { size }) => sum + size, 0));
    },
    canceledInQueue: () => ended.inc({ status: 'canceled', cause: 'canceled' }),
    rescued({ requeued, lost, canceled }) {
      rescued.inc({ to: 'queued' }, requeued.length);
      rescued.inc({ to: 'failed' }, lost.length);
      rescued.inc({ to: 'canceled' }, canceled.length);
      ended.inc({ status: 'failed', cause: 'worker_lost' }, lost.length);
      ended.inc({ status: 'canceled', cause: 'canceled' }, canceled.length);
    },
  };
}

/** How the store stands. Returns how to look it up anew, which never rejects: a store that does not answer is a measurement, too. */
export function storeGauges(registry: Registry, store: Store): () => Promise<void> {
  const registers = [registry];
  const up = new Gauge({ name: 'job_runner_store_up', help: 'Whether the store answers', registers });
  const jobs = new Gauge({ name: 'job_runner_jobs', help: 'Jobs in the store, by state', labelNames: ['state'], registers });
  const oldest = new Gauge({
    name: 'job_runner_queue_oldest_seconds',
    help: 'Age of the oldest queued job; 0 where none waits',
    registers,
  });
  const bytes = new Gauge({
    name: 'job_runner_stored_bytes',
    help: 'Bytes of all jobs together: uploads, logs, artifacts',
    registers,
  });
  return async () => {
    try {
      const stats = await store.stats();
      bytes.set(stats.bytes);
      for (const state of ['queued', 'running', 'finished'] as const) jobs.set({ state }, stats[state]);
      oldest.set(stats.oldestQueuedAt === null ? 0 : Math.max(0, Date.now() - stats.oldestQueuedAt) / 1000);
      up.set(1);
    } catch {
      up.set(0);
      // What was true a while ago must not look as if it still were.
      jobs.reset();
      for (const gauge of [oldest, bytes]) gauge.remove();
    }
  };
}
