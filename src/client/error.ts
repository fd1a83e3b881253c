import type { Problem } from '../api/problem.ts';
import type { ErrorCode } from '../errors.ts';

/** The service's own codes, those of newer services, and what only a client can find: nobody there, or an answer that no Job Runner gives. */
export type JobRunnerErrorCode = ErrorCode | 'unreachable' | 'unexpected_answer' | (string & {});

export interface JobRunnerErrorDetails {
  code: JobRunnerErrorCode;
  /** HTTP status; 0 when there was no answer. */
  status?: number | undefined;
  title?: string | undefined;
  errors?: Problem['errors'];
  requestId?: string | undefined;
  /** How long the service asked to be left alone. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** What went wrong with a request, by `code`. How a job's program ended is no error: it is in the job. */
export class JobRunnerError extends Error {
  readonly code: JobRunnerErrorCode;
  readonly status: number;
  readonly title: string;
  /** For a bad job: every mistake, each with a JSON pointer such as `/spec/timeout_sec`. */
  readonly errors: NonNullable<Problem['errors']>;
  /** Under which the service's log has more. */
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(detail: string, more: JobRunnerErrorDetails) {
    super(detail, { cause: more.cause });
    this.name = 'JobRunnerError';
    this.code = more.code;
    this.status = more.status ?? 0;
    this.title = more.title ?? '';
    this.errors = more.errors ?? [];
    this.requestId = more.requestId;
    this.retryAfterMs = more.retryAfterMs;
  }
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string' && 'detail' in body;

/** `Retry-After` (RFC 9110 §10.2.3): seconds or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Reads an answer that is no success. */
export async function errorOf(response: Response): Promise<JobRunnerError> {
  const text = await response.text().catch(() => '');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Something between us and the service has answered.
  }
  const common = {
    status: response.status,
    requestId: response.headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
  };
  if (isProblem(body)) {
    const { detail, code, title, errors } = body;
    return new JobRunnerError(detail, { ...common, code, title, ...(errors === undefined ? {} : { errors }) });
  }
  return new JobRunnerError(`${response.url} answered ${response.status} ${response.statusText}`.trim(), {
    ...common,
    code: 'unexpected_answer',
  });
}
