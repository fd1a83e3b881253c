import { Readable } from 'node:stream';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../api/problem.ts';
import { ApiError, ERROR_CODES, errnoOf, lacksDescriptors } from '../errors.ts';
import { StoreError } from '../store/store.ts';
import { isSending, whileReadingAway } from './linger.ts';

/** Every error that leaves the service is an RFC 9457 problem. */

const RETRY_AFTER_SEC = '5';

const FASTIFY_ERRORS: Record<string, ApiError> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: new ApiError('unsupported_media_type', 'send multipart/form-data'),
  FST_ERR_CTP_BODY_TOO_LARGE: new ApiError('payload_too_large', 'the request is too large'),
  FST_ERR_CTP_EMPTY_JSON_BODY: new ApiError('invalid_request', 'the body is empty'),
  FST_ERR_BAD_URL: new ApiError('not_found', 'Not Found'),
};

/** What a client is told of an error; undefined when it is ours and says nothing that is meant for clients. */
function clientError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreError) {
    return error.kind === 'full'
      ? new ApiError('storage_full', 'there is no room left on the server', { cause: error })
      : new ApiError('unavailable', 'the store does not answer; try again', { headers: { 'retry-after': RETRY_AFTER_SEC }, cause: error });
  }
  const code = errnoOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ApiError('storage_full', 'there is no room left on the server', { cause: error });
  if (lacksDescriptors(error)) {
    return new ApiError('unavailable', 'the server is out of file descriptors; try again', {
      headers: { 'retry-after': RETRY_AFTER_SEC },
      cause: error,
    });
  }
  const known = code === undefined ? undefined : FASTIFY_ERRORS[code];
  if (known !== undefined) return known;
  const status = (error as Partial<FastifyError>).statusCode;
  if (status !== undefined && status >= 400 && status < 500)
    return new ApiError('invalid_request', 'the request is malformed', { cause: error });
  return undefined;
}

export function problemOf(error: ApiError, instance: string): Problem {
  const { status, title } = ERROR_CODES[error.code];
  return {
    type: 'about:blank',
    title,
    status,
    detail: error.message,
    instance,
    code: error.code,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  };
}

/** Answers are kept in logs and shown in pages: no place for what opens something. */
const withoutToken = (url: string): string => url.replace(/([?&]token=)[^&#]*/g, '$1-');

export const sendProblem = (reply: FastifyReply, request: FastifyRequest, error: unknown): FastifyReply =>
  sendError(reply, request, error, (known) => ({
    status: ERROR_CODES[known.code].status,
    type: 'application/problem+json',
    body: problemOf(known, withoutToken(request.url)),
  }));

/** Answers with what a client is told of an error, in the form that `shape` gives it. */
export function sendError(
  reply: FastifyReply,
  request: FastifyRequest,
  error: unknown,
  shape: (known: ApiError) => { status: number; type: string; body: object },
): FastifyReply {
  const known = clientError(error) ?? new ApiError('internal', `something went wrong; the service's log tells it under ${request.id}`);
  const { status, type, body: told } = shape(known);
  if (status >= 500 && known.code !== 'queue_full') request.log.error({ err: error, request: request.id }, 'a request failed');
  // As bytes: for a text Fastify would add a charset, which these types do not have.
  const body = Buffer.from(JSON.stringify(told));
  reply.headers(known.headers).code(status).type(type);
  // Who has stopped sending is not read away.
  if (known.code === 'request_timeout' || !isSending(request.raw)) return reply.send(body);
  return reply
    .headers({ connection: 'close', 'content-length': body.length })
    .send(Readable.from(whileReadingAway(body, request.raw), { objectMode: false }));
}

/** 404 and 405 for what no route answers. */
export function answerUnknown(app: FastifyInstance): void {
  const routes: { pattern: RegExp; methods: Set<string> }[] = [];
  app.addHook('onRoute', (route) => {
    // Preflight requests of any path (CORS) make none of them known.
    if (route.url === '*') return;
    const source = route.url
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/:[A-Za-z]+/g, '[^/]+')
      .replace(/\*/g, '.*');
    const methods = new Set([route.method].flat());
    const same = routes.find((each) => each.pattern.source === `^${source}\\/?$`);
    if (same === undefined) routes.push({ pattern: new RegExp(`^${source}/?$`), methods });
    else for (const method of methods) same.methods.add(method);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]);
    if (methods.length === 0) return sendProblem(reply, request, new ApiError('not_found', 'Not Found'));
    const allow = [...new Set(methods)].toSorted().join(', ');
    return sendProblem(reply, request, new ApiError('method_not_allowed', `use ${allow}`, { headers: { allow } }));
  });
}
