import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { HttpEvents } from '../http/http-events.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 60];

export function httpMetrics(registry: Registry): HttpEvents {
  const registers = [registry];
  const requests = new Counter({
    name: 'job_runner_http_requests_total',
    help: 'Requests that were answered',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'job_runner_http_request_seconds',
    help: 'From a request to the last byte of its answer; streams and long polls last as long as their jobs',
    labelNames: ['method', 'route'],
    buckets: SECONDS,
    registers,
  });
  const viewers = new Gauge({ name: 'job_runner_viewers', help: 'Event streams that are open', registers });

  return {
    answered({ method, route = 'none', status, ms }) {
      requests.inc({ method, route, status });
      seconds.observe({ method, route }, ms / 1000);
    },
    viewers: (change) => viewers.inc(change),
  };
}
