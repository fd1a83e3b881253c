import type { FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { ANYBODY, NO_LIMITS, type Caller } from '../jobs/caller.ts';
import type { ApiKey, Keys } from '../keys/keys.ts';
import { looksLikeSecret } from '../keys/secret.ts';
import type { Tokens } from '../keys/tokens.ts';
import type { App } from './typed-app.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose jobs the request may know of. */
    caller: Caller;
    /** The key that it came with, itself or by a token. */
    keyId: string | undefined;
  }
}

/** Who may call. Without `keys` everybody may, and everything. */
export interface Access {
  keys: Keys | undefined;
  tokens: Tokens;
}

/** Somebody without a key, on routes that ask for none: no job is such a caller's, for no owner can have that name. */
export const STRANGER: Caller = { owner: '-', limits: NO_LIMITS };

/** What is open to everybody: by the route's own pattern, not by the address, which can be written in many ways. The metrics ask for themselves (metrics.ts). The rest is closed. */
const OPEN = new Set(['/', '/frame.html', '/healthz', '/readyz', '/openapi.json', '/metrics']);
const OPEN_BELOW = ['/docs', '/static', '/assets'];
const isOpen = (route: string | undefined): boolean =>
  route !== undefined && (OPEN.has(route) || OPEN_BELOW.some((prefix) => route === prefix || route.startsWith(`${prefix}/`)));

/** What a token opens: reading one job. */
const TOKEN_ROUTES = /^\/jobs\/:id(\/|$|\.)/;

/** RFC 6750 §3: what was sent is named as wrong only where something was sent. */
export const unauthorized = (detail: string, wasSent: boolean): ApiError =>
  new ApiError('unauthorized', detail, {
    headers: { 'www-authenticate': `Bearer realm="job-runner"${wasSent ? ', error="invalid_token"' : ''}` },
  });

/** `X-Api-Key`, or `Authorization: Bearer`, or, as clients of Piston send it, `Authorization` with nothing but the key. */
function secretOf({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-api-key'];
  if (own !== undefined) return String(own);
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  return /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? (looksLikeSecret(authorization) ? authorization : '');
}

function keyOfToken(request: FastifyRequest, token: string, { keys, tokens }: Access): ApiKey | undefined {
  const { id } = request.params as { id?: string };
  const grant = tokens.verify(token, Date.now());
  const isFor = ['GET', 'HEAD'].includes(request.method) && TOKEN_ROUTES.test(request.routeOptions.url ?? '') && grant?.jobId === id;
  return grant !== undefined && isFor ? keys?.byId(grant.keyId) : undefined;
}

/** Lets in who may, and says who it is. Comes before all routes, and after what answers preflight requests. */
export function guard(app: App, access: Access): void {
  const { keys } = access;
  // Until it is known who calls there is nobody: a route that came before this would fail, not be open.
  app.decorateRequest('caller');
  app.decorateRequest('keyId');
  app.addHook('onRequest', async (request) => {
    if (keys === undefined) {
      request.caller = ANYBODY;
      return;
    }
    const secret = secretOf(request);
    const { token } = request.query as { token?: unknown };
    const key = secret !== undefined ? keys.find(secret) : typeof token === 'string' ? keyOfToken(request, token, access) : undefined;
    if (key !== undefined) {
      request.caller = key.caller;
      request.keyId = key.id;
    } else if (isOpen(request.routeOptions.url)) request.caller = STRANGER;
    else if (secret !== undefined) throw unauthorized('there is no such API key', true);
    else if (token !== undefined) throw unauthorized('the token is not for this, or its time is over', true);
    else throw unauthorized('send an API key, as Authorization: Bearer or as X-Api-Key', false);
  });
}
