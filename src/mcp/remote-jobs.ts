import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import { logEvent, STREAMS } from '../api/events.ts';
import { artifactList, job, jobCreated, jobView } from '../api/job.ts';
import { problem } from '../api/problem.ts';
import { runtimeList } from '../api/runtime.ts';
import { ApiError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import type { Jobs, OutputEntry } from './jobs.ts';

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);
const isStream = (event: string | undefined): event is OutputEntry['stream'] => STREAMS.some((stream) => stream === event);

async function failureOf(response: Response): Promise<ApiError> {
  const told = problem.safeParse(await response.json().catch(() => undefined));
  if (told.success && isCode(told.data.code)) return new ApiError(told.data.code, told.data.detail);
  return new ApiError('unavailable', `the service answered ${response.status}`);
}

/** The jobs of a running service, over its HTTP API. `headers` go with every request, for keys. */
export function remoteJobs(baseUrl: string, headers: Readonly<Record<string, string>> = {}): Jobs {
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(new URL(path, baseUrl), { ...init, headers: { ...headers } });
    if (!response.ok) throw await failureOf(response);
    return response;
  };
  /** Undefined when it is not there. */
  const find = (path: string, init?: RequestInit): Promise<Response | undefined> =>
    call(path, init).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'not_found') return undefined;
      throw error;
    });
  const jobAt = async (path: string, init?: RequestInit): Promise<z.infer<typeof job> | undefined> => {
    const response = await find(path, init);
    return response && jobView.parse(await response.json()).job;
  };
  const jobPath = (id: string): string => `/jobs/${encodeURIComponent(id)}`;

  return {
    async defaultRuntime() {
      const { runtimes } = runtimeList.parse(await (await call('/runtimes')).json());
      const found = runtimes.find((runtime) => runtime.default);
      return { version: found?.version ?? '3', packages: found?.packages ?? {} };
    },
    async submit(spec, files) {
      const form = new FormData();
      form.append('spec', JSON.stringify(spec));
      for (const { path, bytes } of files) form.append('code_files', new File([Buffer.from(bytes)], path));
      return jobCreated.parse(await (await call('/jobs', { method: 'POST', body: form })).json()).job_id;
    },
    get: (id) => jobAt(jobPath(id)),
    cancel: (id) => jobAt(`${jobPath(id)}/cancel`, { method: 'POST' }),

    async *follow(id, signal) {
      try {
        const { body } = await call(`${jobPath(id)}/events`, { signal });
        if (body === null) return;
        for await (const { event, data } of body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())) {
          if (event === 'end') return;
          if (isStream(event)) yield [{ stream: event, text: logEvent.parse(JSON.parse(data)).text }];
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    async *log(id) {
      const response = await find(`${jobPath(id)}/logs`);
      if (response?.body) yield* response.body.pipeThrough(new TextDecoderStream());
    },
    async artifacts(id) {
      const response = await find(`${jobPath(id)}/artifacts`);
      return response && artifactList.parse(await response.json()).artifacts;
    },
    async open(id, name) {
      const response = await find(`${jobPath(id)}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`);
      const body = response?.body;
      return body ? { size: Number(response?.headers.get('content-length') ?? 0), bytes: () => body } : undefined;
    },
  };
}
