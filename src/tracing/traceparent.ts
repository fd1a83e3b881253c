import { ROOT_CONTEXT, trace, type Context, type SpanContext } from '@opentelemetry/api';

const VERSION = '00';

/** W3C Trace Context §3.2, of a span. */
export const traceparentFrom = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `${VERSION}-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

/** The context whose spans belong to a trace that began elsewhere; one of their own without. */
export function contextOf(traceparent: string | null | undefined): Context {
  const [, traceId, spanId, flags] = traceparent?.split('-') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true });
}
