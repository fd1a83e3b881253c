import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { artifactList, type Artifact } from '../api/job.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import { ApiError } from '../errors.ts';
import type { JobRecord } from '../store/store.ts';
import type { App } from './typed-app.ts';
import { idParams, problems, requireJob, type JobsOf } from './schemas.ts';
import { zipOf } from './zip.ts';

const notFound = (): ApiError => new ApiError('not_found', 'artifact not found');

/** What a browser would run or render as a page: never in our origin. */
const ACTIVE = /html|svg|xml|javascript|ecmascript|pdf|flash/i;

const typeOf = (artifact: Artifact): string =>
  /^text\/|^application\/json$/.test(artifact.content_type) ? `${artifact.content_type}; charset=utf-8` : artifact.content_type;

/** RFC 6266, with the name in RFC 8187's form, which can hold any. */
function disposition(artifact: Artifact): string {
  const name = artifact.name.split('/').at(-1) ?? 'artifact';
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${ACTIVE.test(artifact.content_type) ? 'attachment' : 'inline'}; filename*=UTF-8''${encoded}`;
}

type Range = { start: number; end: number };

/** One byte range (RFC 9110 §14.1.2). Undefined: answer with the whole; none that could be met: 'unsatisfiable'. */
export function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** Whether the client has it already (RFC 9110 §13.2.2): the date counts only where no tag is named. */
function isKnown(headers: IncomingHttpHeaders, etag: string, modified: string): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
  return Date.parse(headers['if-modified-since'] ?? '') >= Date.parse(modified);
}

/** GET /jobs/{id}/artifacts, /artifacts/{path} and /artifacts.zip. */
export function artifactRoutes(app: App, jobsOf: JobsOf, artifacts: Artifacts): void {
  app.get(
    '/jobs/:id/artifacts',
    {
      schema: {
        operationId: 'listArtifacts',
        tags: ['artifacts'],
        summary: 'Files that the job left',
        params: idParams,
        response: { 200: artifactList, ...problems(404) },
      },
    },
    async (request) => ({ artifacts: (await requireJob(jobsOf(request), request.params.id)).artifacts }),
  );

  app.get(
    '/jobs/:id/artifacts/*',
    {
      schema: {
        operationId: 'getArtifact',
        tags: ['artifacts'],
        summary: 'One file; ranges and conditional requests work',
        params: idParams.extend({ '*': z.string().describe('The artifact’s name') }),
        response: {
          200: z.unknown(),
          206: z.unknown().describe('The range that was asked for'),
          304: z.null().describe('The client has it'),
          302: z.unknown().describe('Where the file is to be had for a while'),
          ...problems(404, 416),
        },
      },
    },
    async (request, reply) => {
      const job = await requireJob(jobsOf(request), request.params.id);
      return sendArtifact(artifacts, job, request.params['*'], request, reply);
    },
  );

  app.get(
    '/jobs/:id/artifacts.zip',
    {
      schema: {
        operationId: 'getArtifactsZip',
        tags: ['artifacts'],
        summary: 'All files in one',
        params: idParams,
        response: { 200: z.unknown(), ...problems(404) },
      },
    },
    async (request, reply) => {
      const job = await requireJob(jobsOf(request), request.params.id);
      return reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="${job.id}.zip"`)
        .send(zipOf(artifacts, job));
    },
  );
}

async function sendArtifact(
  artifacts: Artifacts,
  job: JobRecord,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const artifact = job.artifacts.find((each) => each.name === name);
  const file = artifact === undefined ? undefined : await artifacts.open(job.id, name);
  if (artifact === undefined || file === undefined) throw notFound();
  const etag = `"${artifact.sha256}"`;
  const modified = new Date(file.modifiedAt).toUTCString();
  reply.headers({
    etag,
    'last-modified': modified,
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': disposition(artifact),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
  });
  if (isKnown(request.headers, etag, modified)) return reply.code(304).send();
  // Not for HEAD, which such an address does not answer.
  if (file.link !== undefined && request.method === 'GET') {
    const location = await file.link({ type: typeOf(artifact), disposition: disposition(artifact) });
    // Kept by nobody: it stops working before long.
    return reply.header('cache-control', 'no-store').redirect(location, 302);
  }

  const condition = request.headers['if-range'];
  const wanted = condition === undefined || condition === etag || condition === modified ? request.headers.range : undefined;
  const range = parseRange(wanted, file.size);
  if (range === 'unsatisfiable') {
    throw new ApiError('range_not_satisfiable', `the artifact has ${file.size} bytes`, {
      headers: { 'content-range': `bytes */${file.size}` },
    });
  }
  reply.type(typeOf(artifact));
  if (range === undefined) return reply.header('content-length', file.size).send(file.stream());
  return reply
    .code(206)
    .headers({ 'content-range': `bytes ${range.start}-${range.end}/${file.size}`, 'content-length': range.end - range.start + 1 })
    .send(file.stream(range));
}
