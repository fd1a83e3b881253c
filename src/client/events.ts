import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { z } from 'zod';
import type { events } from '../api/events.ts';
import { JobRunnerError } from './error.ts';
import { patience } from './patience.ts';
import { pathOf, type CallOptions, type Requests } from './request.ts';

type Events = typeof events;

/** What GET /jobs/{id}/events tells, its name as `type`. Told apart by it: `if (event.type === 'stdout') …`. */
export type JobEvent = { [Name in keyof Events]: { type: Name } & z.output<Events[Name]> }[keyof Events];
export type LogEvent = Extract<JobEvent, { seq: number }>;

export interface EventOptions extends CallOptions {
  /** Only log entries with a higher number. */
  after?: number | undefined;
}

/** The service says something every 15 seconds. A connection that is silent for so long leads nowhere. */
const SILENT_MS = 60_000;
const RECONNECT_FOR_MS = 300_000;
/** As the service’s `retry:` has it. */
const FIRST_DELAY_MS = 1000;

const NAMES: Record<JobEvent['type'], true> = { stdout: true, stderr: true, runner: true, status: true, artifact: true, end: true };

function eventOf({ event, data }: EventSourceMessage): JobEvent | undefined {
  // Newer services may tell more.
  if (event === undefined || !Object.hasOwn(NAMES, event)) return undefined;
  try {
    return { type: event, ...(JSON.parse(data) as object) } as JobEvent;
  } catch (error) {
    throw new JobRunnerError(`an event "${event}" came that is no JSON`, { code: 'unexpected_answer', cause: error });
  }
}

/** One connection's events, until it ends or breaks. */
async function* connection(requests: Requests, id: string, after: number, signal: AbortSignal | undefined): AsyncGenerator<JobEvent> {
  const leave = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => leave.abort(new Error('the connection was silent')), SILENT_MS);
  };
  alive();
  try {
    const messages: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (message) => void messages.push(message) });
    const decoder = new TextDecoder();
    const response = await requests.once(`${pathOf('jobs', id)}/events`, {
      headers: { accept: 'text/event-stream', ...(after === 0 ? {} : { 'last-event-id': String(after) }) },
      signal: signal === undefined ? leave.signal : AbortSignal.any([signal, leave.signal]),
    });
    const reader = response.body?.getReader();
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) return;
      alive();
      parser.feed(decoder.decode(part.value, { stream: true }));
      for (const message of messages.splice(0)) {
        const event = eventOf(message);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    clearTimeout(timer);
    leave.abort();
  }
}

/**
 * Everything about a job until its end, each log entry once, across broken connections and restarts of the service.
 *
 * @throws JobRunnerError `not_found`; `unreachable` when there was no sign of life for `reconnectForMs`; the signal's reason
 */
export async function* followEvents(
  requests: Requests,
  id: string,
  { after = 0, signal }: EventOptions,
  reconnectForMs = RECONNECT_FOR_MS,
): AsyncGenerator<JobEvent, void, undefined> {
  const patient = patience(reconnectForMs, FIRST_DELAY_MS);
  let last = after;
  let status = '';
  const artifacts = new Set<string>();

  /** A connection begins with the status, and artifacts have no number: both may be told again. */
  const isNews = (event: JobEvent): boolean => {
    if (event.type === 'end') return true;
    if (event.type === 'artifact') return !artifacts.has(event.name) && artifacts.add(event.name).size > 0;
    if (event.type === 'status') return status !== (status = `${event.status} ${event.attempt}`);
    return event.seq > last;
  };

  for (;;) {
    let failure: unknown = new JobRunnerError('the connection ended before the job did', { code: 'unreachable' });
    try {
      for await (const event of connection(requests, id, last, signal)) {
        patient.renew();
        if (!isNews(event)) continue;
        if ('seq' in event) last = event.seq;
        yield event;
        if (event.type === 'end') return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      failure = error instanceof JobRunnerError ? error : new JobRunnerError('the connection broke', { code: 'unreachable', cause: error });
    }
    await patient.after(failure, signal);
  }
}
