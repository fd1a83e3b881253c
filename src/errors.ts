/** Our error codes and what each means over HTTP: the only place where the two meet. */
export const ERROR_CODES = {
  invalid_request: { status: 400, title: 'Bad request' },
  truncated_body: { status: 400, title: 'Truncated body' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'Request timeout' },
  job_not_finished: { status: 409, title: 'Job not finished' },
  idempotency_conflict: { status: 409, title: 'Idempotency conflict' },
  payload_too_large: { status: 413, title: 'Payload too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  range_not_satisfiable: { status: 416, title: 'Range not satisfiable' },
  invalid_spec: { status: 422, title: 'Invalid job' },
  unknown_runtime: { status: 422, title: 'Unknown runtime' },
  net_policy_unavailable: { status: 422, title: 'Network policy unavailable' },
  headers_too_large: { status: 431, title: 'Request header fields too large' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  quota_exceeded: { status: 429, title: 'Quota exceeded' },
  internal: { status: 500, title: 'Internal error' },
  storage_full: { status: 507, title: 'Insufficient storage' },
  queue_full: { status: 503, title: 'Queue full' },
  unavailable: { status: 503, title: 'Service unavailable' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface FieldError {
  /** JSON pointer into the form, such as `/spec/timeout_sec`. */
  pointer: string;
  detail: string;
}

/** An error that a client is told about in its own words. Everything else that throws is a 500 without details. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, detail: string, more: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {}) {
    super(detail, { cause: more.cause });
    this.name = 'ApiError';
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }
}

/** The service can't start. `remedy` is one line that mends it: a command to paste or a setting to change. */
export class StartError extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartError';
    this.remedy = remedy;
  }
}

/** The system's error code (`ENOENT`, `ENOSPC` …) of something caught, if it has one. */
export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Whether something failed for want of a file descriptor (EMFILE, ENFILE), itself or what it was caused by. */
export function lacksDescriptors(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'EMFILE' || code === 'ENFILE' || (error instanceof Error && error.cause !== undefined && lacksDescriptors(error.cause));
}
