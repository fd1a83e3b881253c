import { SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { ApiError } from '../errors.ts';
import type { WatchSubmit } from '../jobs/submit-watch.ts';
import { contextOf, traceparentFrom } from './traceparent.ts';

/** A span for each submission, from its first byte until the job is kept; the job then belongs to it. */
export const submitSpans =
  (tracer: Tracer): WatchSubmit =>
  ({ caller, requestId, traceparent }) => {
    const span = tracer.startSpan('job submit', { kind: SpanKind.PRODUCER }, contextOf(traceparent));
    if (requestId !== undefined) span.setAttribute('http.request.id', requestId);
    if (caller.owner !== '') span.setAttribute('job.owner', caller.owner);
    return {
      traceparent: traceparentFrom(span.spanContext()),
      accepted(job, isNew) {
        span.setAttributes({ 'job.id': job.id, 'job.runtime': job.runtime, 'job.repeated': !isNew }).end();
      },
      refused(error) {
        const told = error instanceof ApiError ? error.code : 'internal';
        span.setAttribute('error.type', told).setStatus({ code: SpanStatusCode.ERROR, message: told }).end();
      },
    };
  };
