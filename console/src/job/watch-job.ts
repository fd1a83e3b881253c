import { signal, type ReadonlySignal } from '@preact/signals';
import { JobRunnerError, type Artifact, type Job, type LogEvent, type Status } from '../../../src/client/client.ts';
import { client, watchedClient, wordsOf } from '../connection.ts';
import { Lines } from '../log/lines.ts';

export interface WatchedJob {
  id: string;
  job: ReadonlySignal<Job | undefined>;
  status: ReadonlySignal<Status | undefined>;
  lines: Lines;
  /** Counts up with each change of the lines. */
  version: ReadonlySignal<number>;
  artifacts: ReadonlySignal<Artifact[]>;
  isConnected: ReadonlySignal<boolean>;
  problem: ReadonlySignal<string | undefined>;
  /** What the service says now, where an answer to a request has told it earlier than the events. */
  tell(job: Job): void;
  close(): void;
}

export const isOver = (status: Status | undefined): boolean => status === 'succeeded' || status === 'failed' || status === 'canceled';

/** Follows a job to its end: all of its log from the beginning, once, whatever becomes of the connection. */
export function watchJob(id: string): WatchedJob {
  const abort = new AbortController();
  const job = signal<Job | undefined>(undefined);
  const status = signal<Status | undefined>(undefined);
  const version = signal(0);
  const artifacts = signal<Artifact[]>([]);
  const isConnected = signal(true);
  const problem = signal<string | undefined>(undefined);
  const lines = new Lines();

  let pending: LogEvent[] = [];
  let frame: number | undefined;
  const draw = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    frame = undefined;
    if (pending.length === 0) return;
    lines.append(pending);
    pending = [];
    version.value++;
  };

  const tell = (told: Job): void => {
    // What was asked before the end must not undo it.
    if (isOver(job.value?.status) && !isOver(told.status)) return;
    job.value = told;
    status.value = told.status;
  };
  const look = async (): Promise<void> => tell(await client.peek().get(id, { signal: abort.signal }));

  const follow = async (): Promise<void> => {
    await look();
    const watched = watchedClient((isThere) => (isConnected.value = isThere));
    const found: Artifact[] = [];
    for await (const event of watched.events(id, { signal: abort.signal })) {
      if ('seq' in event) {
        pending.push(event);
        // One change a frame, however fast the lines come.
        frame ??= requestAnimationFrame(draw);
      } else if (event.type === 'artifact') {
        const { type: _, ...artifact } = event;
        found.push(artifact);
      } else if (event.type === 'status') {
        status.value = event.status;
        if (event.status === 'running') void look().catch(() => undefined);
      } else {
        draw();
        artifacts.value = found;
        tell(event.job);
      }
    }
  };

  follow().catch((error: unknown) => {
    if (abort.signal.aborted) return;
    // A key is asked for elsewhere, and what watches begins anew with it.
    if (error instanceof JobRunnerError && error.status === 401) problem.value = 'This service wants an API key.';
    else if (error instanceof JobRunnerError && error.code === 'not_found')
      problem.value = 'There is no such job. It may have been removed.';
    else problem.value = wordsOf(error);
  });

  return {
    id,
    job,
    status,
    lines,
    version,
    artifacts,
    isConnected,
    problem,
    tell,
    close() {
      abort.abort();
      if (frame !== undefined) cancelAnimationFrame(frame);
    },
  };
}
