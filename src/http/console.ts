import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contentType } from '../artifacts/content-type.ts';
import { ApiError, errnoOf } from '../errors.ts';
import type { App } from './typed-app.ts';

/** Source and built code lie equally deep below the package's root. */
const CONSOLE_DIR = join(import.meta.dirname, '../../dist/console');

/** The best first; each was made beside its file by the build. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** The page's own files, this service, and nothing else: no other host, no inline script, nobody's frame. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // What a log's colours are: attributes, never rules.
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** For pages that jobs made: their scripts may run, in an origin that is nobody's, and reach nothing. */
const FRAME_POLICY = [
  'sandbox allow-scripts',
  "default-src 'none'",
  "script-src 'unsafe-inline' 'unsafe-eval'",
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  'font-src data:',
  'media-src data: blob:',
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

interface Served {
  type: string;
  etag: string;
  plain: Buffer;
  encoded: Map<string, Buffer>;
}

/** All of the console in memory: it is small, and read once. */
async function load(): Promise<Map<string, Served>> {
  const files = new Map<string, Served>();
  const entries = await readdir(CONSOLE_DIR, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const paths = new Set(entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
  for (const path of paths) {
    if (ENCODINGS.some(([, ending]) => path.endsWith(ending))) continue;
    const plain = await readFile(path);
    const encoded = new Map<string, Buffer>();
    for (const [encoding, ending] of ENCODINGS) if (paths.has(path + ending)) encoded.set(encoding, await readFile(path + ending));
    const type = contentType(path);
    files.set(path.slice(CONSOLE_DIR.length + 1), {
      type: /^text\/|javascript|json|svg/.test(type) ? `${type}; charset=utf-8` : type,
      etag: createHash('sha256').update(plain).digest('base64url').slice(0, 22),
      plain,
      encoded,
    });
  }
  return files;
}

/** Whether a coding is wanted (RFC 9110 §12.5.3): named or `*`, and not with a weight of nothing. */
function accepts(header: string | undefined, encoding: string): boolean {
  const weights = new Map(
    (header ?? '').split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
      return [name, Number(/^q=(.+)$/.exec(parameters.find((each) => each.startsWith('q=')) ?? '')?.[1] ?? 1)];
    }),
  );
  return (weights.get(encoding) ?? weights.get('*') ?? 0) > 0;
}

function send(request: FastifyRequest, reply: FastifyReply, file: Served, headers: Record<string, string>): FastifyReply {
  const encoding = [...file.encoded.keys()].find((each) => accepts(request.headers['accept-encoding'], each));
  // One tag for each coding: the bytes differ.
  const etag = `"${file.etag}${encoding === undefined ? '' : `-${encoding}`}"`;
  reply.headers({ etag, vary: 'accept-encoding', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', ...headers });
  const known = (request.headers['if-none-match'] ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  if (known) return reply.code(304).send();
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  return reply.type(file.type).send((encoding === undefined ? undefined : file.encoded.get(encoding)) ?? file.plain);
}

/** GET / and what the page needs. Run from source without a build there is the old page instead. */
export function consoleRoutes(app: App): void {
  let loaded: Promise<Map<string, Served>> | undefined;
  const files = (): Promise<Map<string, Served>> => (loaded ??= load());

  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    const page = (await files()).get('index.html');
    if (page === undefined) return reply.redirect('/static/examples/client.html');
    return send(request, reply, page, { 'cache-control': 'no-cache', 'content-security-policy': PAGE_POLICY });
  });
  app.get('/frame.html', { schema: { hide: true } }, async (request, reply) => {
    const page = (await files()).get('frame.html');
    if (page === undefined) throw new ApiError('not_found', 'Not Found');
    return send(request, reply, page, { 'cache-control': 'no-cache', 'content-security-policy': FRAME_POLICY });
  });
  app.get<{ Params: { '*': string } }>('/assets/*', { schema: { hide: true } }, async (request, reply) => {
    const file = (await files()).get(`assets/${request.params['*']}`);
    if (file === undefined) throw new ApiError('not_found', 'Not Found');
    // A name that has its content's hash never means anything else.
    return send(request, reply, file, { 'cache-control': 'public, max-age=31536000, immutable' });
  });
}
