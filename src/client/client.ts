import type { Artifact, Job, jobCreated, jobList, jobView, Status } from '../api/job.ts';
import type { RuntimeView } from '../api/runtime.ts';
import type { z } from 'zod';
import { followEvents, type EventOptions, type JobEvent } from './events.ts';
import { bodyOf, createRequests, pathOf, type CallOptions, type ClientOptions } from './request.ts';
import { formOf, newIdempotencyKey, type Submission } from './submission.ts';

export { JobRunnerError, type JobRunnerErrorCode } from './error.ts';
export type { EventOptions, JobEvent, LogEvent } from './events.ts';
export type { CallOptions, ClientOptions } from './request.ts';
export type { FileContent, Files, Spec, Submission } from './submission.ts';
export type { Artifact, Cause, Job, Status } from '../api/job.ts';
export type { RuntimeView } from '../api/runtime.ts';

export type JobCreated = z.output<typeof jobCreated>;
export type JobView = z.output<typeof jobView>;
export type JobPage = z.output<typeof jobList>;

export interface ListQuery {
  status?: Status | undefined;
  /** `name` or `name=value`; of several, all must match. */
  label?: string | readonly string[] | undefined;
  /** Jobs a page, at most 200. */
  limit?: number | undefined;
  /** `next` of the page before. */
  cursor?: string | undefined;
}

export interface SubmitOptions extends CallOptions {
  /** The same key gives the same job. Default: a random one, so that a repeated request makes no second job. */
  idempotencyKey?: string | undefined;
}

export interface RunOptions extends SubmitOptions {
  /** Hears everything while it happens. */
  onEvent?: ((event: JobEvent) => void) | undefined;
}

export interface RunResult {
  job: Job;
  stdout: string;
  /** Apart from stdout unless `split_output` is false. */
  stderr: string;
  artifacts: Artifact[];
}

/** A Job Runner. Every call throws a JobRunnerError for what goes wrong with the request, and the signal's reason when that aborts. */
export interface Client {
  /** Submits a program and follows it to its end. Aborting cancels the job. */
  run(submission: Submission, options?: RunOptions): Promise<RunResult>;
  /** Resolves when the service has accepted the job; repeated requests make one job. */
  submit(submission: Submission, options?: SubmitOptions): Promise<JobCreated>;
  get(id: string, options?: CallOptions): Promise<Job>;
  /** The job, and how long its log is by now. */
  view(id: string, options?: CallOptions): Promise<JobView>;
  /** A page of jobs, newest first. */
  list(query?: ListQuery, options?: CallOptions): Promise<JobPage>;
  /** All jobs, page by page, newest first. */
  listAll(query?: ListQuery, options?: CallOptions): AsyncGenerator<Job, void, undefined>;
  /** Ends a queued or running job; one that is over stays as it is. */
  cancel(id: string, options?: CallOptions): Promise<Job>;
  /** Removes a finished job with its log and files. */
  delete(id: string, options?: CallOptions): Promise<void>;
  /** The log so far. */
  logs(id: string, options?: CallOptions): Promise<string>;
  /** Everything about a job as it happens, until its end; goes on by itself where a connection broke. */
  events(id: string, options?: EventOptions): AsyncGenerator<JobEvent, void, undefined>;
  artifacts(id: string, options?: CallOptions): Promise<Artifact[]>;
  /** One file: `body` is its stream, `text()`, `json()`, `blob()` and `arrayBuffer()` read it whole. */
  artifact(id: string, name: string, options?: CallOptions): Promise<Response>;
  /** All files in one. */
  zip(id: string, options?: CallOptions): Promise<Response>;
  runtimes(options?: CallOptions): Promise<RuntimeView[]>;
}

const queryOf = ({ status, label = [], limit, cursor }: ListQuery): URLSearchParams => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ status, limit, cursor })) if (value !== undefined) query.append(name, String(value));
  for (const each of [label].flat()) query.append('label', each);
  return query;
};

const jobOf = async (response: Response): Promise<Job> => (await bodyOf<{ job: Job }>(response)).job;

/** A client of the service at `url`. It holds no connection: there is nothing to close. */
export function createClient(options: ClientOptions = {}): Client {
  const requests = createRequests(options);
  const events: Client['events'] = (id, given = {}) => followEvents(requests, id, given, options.reconnectForMs);

  const client: Client = {
    async run(submission, { onEvent, ...given } = {}) {
      const { job_id: id } = await client.submit({ split_output: true, ...submission }, given);
      const output = { stdout: [] as string[], stderr: [] as string[] };
      const artifacts: Artifact[] = [];
      try {
        for await (const event of events(id, { signal: given.signal })) {
          onEvent?.(event);
          if (event.type === 'stdout' || event.type === 'stderr') output[event.type].push(event.text);
          if (event.type === 'artifact') {
            const { type: _, ...artifact } = event;
            artifacts.push(artifact);
          }
          if (event.type === 'end') return { job: event.job, stdout: output.stdout.join(''), stderr: output.stderr.join(''), artifacts };
        }
      } catch (error) {
        // Nobody waits for it any more. That it can't be told so doesn't change why.
        if (given.signal?.aborted === true) await requests.once(`${pathOf('jobs', id)}/cancel`, { method: 'POST' }).catch(() => undefined);
        throw error;
      }
      throw new Error('events end with `end` or an error');
    },

    submit: (submission, { idempotencyKey = newIdempotencyKey(), signal } = {}) =>
      requests.send(
        'jobs',
        { method: 'POST', body: () => formOf(submission), headers: { 'idempotency-key': idempotencyKey }, signal },
        bodyOf<JobCreated>,
      ),
    get: (id, { signal } = {}) => requests.send(pathOf('jobs', id), { signal }, jobOf),
    view: (id, { signal } = {}) => requests.send(pathOf('jobs', id), { signal }, bodyOf<JobView>),
    list: (query = {}, { signal } = {}) => requests.send('jobs', { query: queryOf(query), signal }, bodyOf<JobPage>),
    async *listAll(query = {}, given = {}) {
      let cursor: string | null | undefined = query.cursor;
      do {
        const page: JobPage = await client.list({ ...query, cursor: cursor ?? undefined }, given);
        yield* page.jobs;
        cursor = page.next;
      } while (cursor !== null);
    },
    cancel: (id, { signal } = {}) => requests.send(`${pathOf('jobs', id)}/cancel`, { method: 'POST', signal }, jobOf),
    // Not repeated: the second time it would not be found.
    delete: (id, { signal } = {}) =>
      requests.send(pathOf('jobs', id), { method: 'DELETE', signal, repeatable: false }, (response) => void response.body?.cancel()),
    logs: (id, { signal } = {}) => requests.send(`${pathOf('jobs', id)}/logs`, { signal }, (response) => response.text()),
    events,
    artifacts: (id, { signal } = {}) =>
      requests.send(
        `${pathOf('jobs', id)}/artifacts`,
        { signal },
        async (response) => (await bodyOf<{ artifacts: Artifact[] }>(response)).artifacts,
      ),
    artifact: (id, name, { signal } = {}) =>
      requests.send(`${pathOf('jobs', id)}/artifacts/${pathOf(...name.split('/'))}`, { signal }, (response) => response),
    zip: (id, { signal } = {}) => requests.send(`${pathOf('jobs', id)}/artifacts.zip`, { signal }, (response) => response),
    runtimes: ({ signal } = {}) =>
      requests.send('runtimes', { signal }, async (response) => (await bodyOf<{ runtimes: RuntimeView[] }>(response)).runtimes),
  };
  return client;
}
