import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { WatchAttempt } from '../worker/attempt-watch.ts';

const WAIT_SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600];
const START_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 5];
const RUN_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const COLLECT_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60];

/** What workers of this process do. */
export function attemptMetrics(registry: Registry): WatchAttempt {
  const registers = [registry];
  const wait = new Histogram({
    name: 'job_runner_queue_wait_seconds',
    help: 'From a job’s arrival to its first claim',
    buckets: WAIT_SECONDS,
    registers,
  });
  const start = new Histogram({
    name: 'job_runner_start_seconds',
    help: 'From a claim to the running program: its inputs, its sandbox, its interpreter',
    labelNames: ['path'],
    buckets: START_SECONDS,
    registers,
  });
  const run = new Histogram({
    name: 'job_runner_run_seconds',
    help: 'From the program’s start to its end',
    labelNames: ['path'],
    buckets: RUN_SECONDS,
    registers,
  });
  const collect = new Histogram({
    name: 'job_runner_collect_seconds',
    help: 'From the program’s end until its files are kept',
    buckets: COLLECT_SECONDS,
    registers,
  });
  const starts = new Counter({
    name: 'job_runner_starts_total',
    help: 'Programs started, warm or cold, and why they could not start warm',
    labelNames: ['path', 'because'],
    registers,
  });
  const running = new Gauge({ name: 'job_runner_attempts_running', help: 'Attempts under way in this process', registers });
  const ended = new Counter({
    name: 'job_runner_attempts_ended_total',
    help: 'Attempts of this process that are over: finished, handed back when it stopped, or lost to another worker',
    labelNames: ['end'],
    registers,
  });

  return (job) => {
    let since = performance.now();
    const lap = (): number => {
      const before = since;
      since = performance.now();
      return (since - before) / 1000;
    };
    running.inc();
    if (job.attempt === 1 && job.startedAt !== null) wait.observe(Math.max(0, job.startedAt - job.createdAt) / 1000);
    let path = 'none';
    return {
      environment: {},
      started(by, coldBecause) {
        path = by;
        starts.inc({ path, because: coldBecause ?? 'none' });
        start.observe({ path }, lap());
      },
      ran: () => run.observe({ path }, lap()),
      collected: () => collect.observe(lap()),
      over({ kind }) {
        running.dec();
        ended.inc({ end: kind });
      },
    };
  };
}
