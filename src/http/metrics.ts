import { createHash, timingSafeEqual } from 'node:crypto';
import { STRANGER, unauthorized } from './auth.ts';
import type { App } from './typed-app.ts';

/** What GET /metrics answers. */
export type Exposition = () => Promise<{ contentType: string; text: string }>;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether an `authorization` header carries a token. */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const given = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

/**
 * GET /metrics. With a token, it alone opens them; without one, whoever may run jobs may look, and where there are keys that is who has one.
 */
export function metricsRoutes(app: App, expose: Exposition, token: string | undefined): void {
  const isToken = token === undefined ? undefined : tokenCheck(token);
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    const { authorization } = request.headers;
    if (!(isToken?.(authorization) ?? request.caller !== STRANGER)) {
      throw unauthorized(
        'the metrics have a token of their own (METRICS_TOKEN), sent as Authorization: Bearer',
        authorization !== undefined,
      );
    }
    const { contentType, text } = await expose();
    return reply.type(contentType).send(text);
  });
}
