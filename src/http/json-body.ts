import type { Config } from '../config.ts';
import { ApiError } from '../errors.ts';
import type { App } from './typed-app.ts';

/** Jobs come as forms; this lets the routes of one scope take JSON. */
export function takeJson(scope: App, maxBytes: number): void {
  scope.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: maxBytes }, (_request, text, done) => {
    try {
      done(null, JSON.parse(String(text)));
    } catch (error) {
      done(new ApiError('invalid_request', 'the body is not valid JSON', { cause: error }));
    }
  });
}

/** The body's fields; of anything but an object there are none. */
export const fieldsOf = (body: unknown): Record<string, unknown> =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {};

/** Files in JSON count as those of a form do. */
export function refuseTooMany(files: number, { MAX_UPLOAD_FILES }: Pick<Config, 'MAX_UPLOAD_FILES'>): void {
  if (files > MAX_UPLOAD_FILES) throw new ApiError('payload_too_large', `a request may have at most ${MAX_UPLOAD_FILES} files`);
}
