import { errorOf, JobRunnerError } from './error.ts';
import { patience } from './patience.ts';

export interface ClientOptions {
  /** Where the service is; a path in front of its own is kept. Default: `http://127.0.0.1:8000`. */
  url?: string | URL | undefined;
  /** Sent as `Authorization: Bearer`. */
  apiKey?: string | undefined;
  /** Instead of the global one. */
  fetch?: typeof fetch | undefined;
  /** How long a request is tried again while the service can't be reached or says "not now". Default: 30 s; 0 tries once. */
  retryForMs?: number | undefined;
  /** The same for following a job, counted from the last sign of life. Default: 5 minutes. */
  reconnectForMs?: number | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface RequestOptions extends CallOptions {
  method?: 'GET' | 'POST' | 'DELETE';
  query?: URLSearchParams;
  headers?: Record<string, string>;
  /** Made anew for each try. */
  body?: () => FormData;
  /** False where a second try could do something else than the first. */
  repeatable?: boolean;
}

export interface Requests {
  /** One try. Resolves with a success, its body unread. */
  once(path: string, options: RequestOptions): Promise<Response>;
  /** As many tries as `retryForMs` allows; `read` takes what is wanted of the answer, and belongs to the try. */
  send<T>(path: string, options: RequestOptions, read: (response: Response) => T | Promise<T>): Promise<T>;
}

export const DEFAULT_URL = 'http://127.0.0.1:8000';
const RETRY_FOR_MS = 30_000;

/** A path of the API out of segments that may hold any character. */
export const pathOf = (...segments: string[]): string => segments.map(encodeURIComponent).join('/');

/** Reads an answer in JSON; one that is none came from something else than a Job Runner. */
export async function bodyOf<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    const detail = `${response.url} gave an answer that is no JSON; is there a Job Runner?`;
    throw new JobRunnerError(detail, { code: 'unexpected_answer', status: response.status, cause: error });
  }
}

export function createRequests(options: ClientOptions): Requests {
  const base = new URL(options.url ?? DEFAULT_URL);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const fetchNow = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args));
  const authorization: Record<string, string> = options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` };

  /** Whatever breaks a request on its way is one kind of error; a signal's reason stays what it is. */
  const unreachable = (error: unknown, signal: AbortSignal | undefined): unknown => {
    signal?.throwIfAborted();
    if (error instanceof JobRunnerError) return error;
    return new JobRunnerError(`${base.origin} can't be reached${reasonOf(error)}`, { code: 'unreachable', cause: error });
  };

  async function once(path: string, { method = 'GET', query, headers, body, signal }: RequestOptions): Promise<Response> {
    const address = new URL(path, base);
    if (query !== undefined) address.search = query.toString();
    let response: Response;
    try {
      response = await fetchNow(address, {
        method,
        headers: { ...authorization, ...headers },
        ...(body === undefined ? {} : { body: body() }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw unreachable(error, signal);
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  return {
    once,
    async send(path, request, read) {
      const patient = patience(request.repeatable === false ? 0 : (options.retryForMs ?? RETRY_FOR_MS));
      for (;;) {
        try {
          const response = await once(path, request);
          try {
            return await read(response);
          } catch (error) {
            throw unreachable(error, request.signal);
          }
        } catch (error) {
          await patient.after(error, request.signal);
        }
      }
    },
  };
}

/** Node hides the reason in the cause; other runtimes have it in the message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return '';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
  return code === '' ? '' : ` (${code})`;
}
