import { SpanKind, SpanStatusCode, trace, type Span, type Tracer } from '@opentelemetry/api';
import { endingOf } from '../jobs/outcome.ts';
import type { AttemptEnd, WatchAttempt } from '../worker/attempt-watch.ts';
import { contextOf, traceparentFrom } from './traceparent.ts';

/** The wait in the queue, the attempt, and in it its three parts. The program itself may add spans below the attempt's. */
export const attemptSpans =
  (tracer: Tracer): WatchAttempt =>
  (job) => {
    const context = contextOf(job.traceparent);
    const attributes = { 'job.id': job.id, 'job.attempt': job.attempt, 'job.runtime': job.runtime };
    const claimedAt = job.startedAt ?? Date.now();
    if (job.attempt === 1) tracer.startSpan('job queue', { attributes, startTime: job.createdAt }, context).end(claimedAt);

    const attempt = tracer.startSpan('job attempt', { kind: SpanKind.CONSUMER, attributes, startTime: claimedAt }, context);
    const within = trace.setSpan(context, attempt);
    const begin = (name: string): Span => tracer.startSpan(name, { attributes }, within);
    let part = begin('job start');

    return {
      environment: { TRACEPARENT: traceparentFrom(attempt.spanContext()) },
      started(path, coldBecause) {
        attempt.setAttribute('job.start_path', path);
        if (coldBecause !== undefined) attempt.setAttribute('job.cold_because', coldBecause);
        part.end();
        part = begin('job run');
      },
      ran() {
        part.end();
        part = begin('job collect');
      },
      collected: () => part.end(),
      over(end) {
        // Ending a span twice does nothing but complain.
        if (part.isRecording()) part.end();
        describe(attempt, end);
        attempt.end();
      },
    };
  };

function describe(attempt: Span, end: AttemptEnd): void {
  attempt.setAttribute('job.end', end.kind);
  if (end.kind !== 'finished') return;
  const { status, cause, exitCode, error } = endingOf(end.outcome);
  attempt.setAttribute('job.status', status);
  if (cause !== null) attempt.setAttribute('job.cause', cause);
  if (exitCode !== null) attempt.setAttribute('job.exit_code', exitCode);
  if (status === 'failed') attempt.setStatus({ code: SpanStatusCode.ERROR, message: error ?? status });
}
