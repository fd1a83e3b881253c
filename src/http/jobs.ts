import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { jobCreated, jobList, jobResult, jobView, status } from '../api/job.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import { ApiError } from '../errors.ts';
import { cancelJob } from '../jobs/cancel.ts';
import type { Admission } from '../jobs/admission.ts';
import type { OwnJobs } from '../jobs/own-jobs.ts';
import type { Submitter } from '../jobs/submit.ts';
import { viewOf } from '../jobs/view.ts';
import { logText, waitForEnd } from '../jobs/wait.ts';
import type { JobRecord, ListQuery } from '../store/store.ts';
import type { App } from './typed-app.ts';
import { idParams, problems, requireJob, type JobsOf } from './schemas.ts';
import { refuseTooLarge } from './form.ts';
import { senderOf } from './sender.ts';
import { receiveForm, type UploadLimits } from './upload.ts';

export interface JobRouteParts {
  config: Config;
  jobsOf: JobsOf;
  artifacts: Artifacts;
  submitter: Submitter;
  admission: Admission;
}

const MAX_PAGE = 200;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const listQuery = z.object({
  status: status.optional(),
  label: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('`name` or `name=value`; all that are given must match'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
  cursor: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'is no cursor of ours')
    .optional(),
});

const createQuery = z.object({
  wait: z.coerce.number().optional().describe('Answer when the job is over, or after so many seconds'),
});

const labelsOf = (label: string | string[] | undefined): ListQuery['labels'] =>
  [label ?? []].flat().map((text) => {
    const at = text.indexOf('=');
    return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
  });

/** RFC 7240 §4.3: `Prefer: wait=10`. */
const preferredWait = (request: FastifyRequest): number | undefined => {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?/.exec(String(request.headers['prefer'] ?? ''));
  return match === null ? undefined : Number(match[1]);
};

function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header === 'string' && IDEMPOTENCY_KEY.test(header)) return header;
  throw new ApiError('invalid_request', 'Idempotency-Key must be 1 to 255 printable characters without spaces');
}

/** A `jobResult`, in pieces. */
async function* resultText(jobs: OwnJobs, job: JobRecord): AsyncGenerator<string> {
  const head = JSON.stringify({ job_id: job.id, status: job.status, job: viewOf(job), artifacts: job.artifacts });
  yield `${head.slice(0, -1)},"logs":"`;
  for await (const part of logText(jobs, job.id, job.logLines)) yield JSON.stringify(part).slice(1, -1);
  yield '"}';
}

/** Everything about jobs but their logs and files. */
export function jobRoutes(app: App, { config, jobsOf, artifacts, submitter, admission }: JobRouteParts): void {
  const uploadLimits: UploadLimits = {
    maxBytes: config.MAX_UPLOAD_MB * 1024 ** 2,
    maxFiles: config.MAX_UPLOAD_FILES,
    maxSpecBytes: config.MAX_SPEC_KB * 1024,
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<JobRecord> => {
    refuseTooLarge(request.raw, uploadLimits);
    const sender = { ...senderOf(request), idempotencyKey: idempotencyKeyOf(request) };
    const job = await submitter.submit(sender, (upload) => receiveForm(request.raw, upload, uploadLimits));
    reply.headers(admission.headers(request.caller));
    return job;
  };

  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());

  /** The job with its log, in one answer; the log is sent as it is read, however long it is. */
  const result = async (created: JobRecord, seconds: number, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const gone = new AbortController();
    reply.raw.on('close', () => gone.abort());
    const waitMs = Math.min(seconds, config.MAX_WAIT_SEC) * 1000;
    // Whoever waits while the service stops is told how the job stands.
    const jobs = jobsOf(request);
    const job = (await waitForEnd(jobs, created.id, waitMs, AbortSignal.any([gone.signal, closing.signal]))) ?? created;
    return reply.type('application/json; charset=utf-8').send(Readable.from(resultText(jobs, job)));
  };

  const form = { consumes: ['multipart/form-data'], tags: ['jobs'] };
  app.post(
    '/jobs',
    {
      schema: {
        ...form,
        operationId: 'createJob',
        summary: 'Submit a program with its files',
        querystring: createQuery,
        response: { 200: z.union([jobCreated, jobResult]), ...problems(400, 409, 413, 415, 422, 429, 503, 507) },
      },
    },
    async (request, reply) => {
      const wait = request.query.wait ?? preferredWait(request);
      const job = await create(request, reply);
      return wait === undefined ? { job_id: job.id, status: job.status } : result(job, wait, request, reply);
    },
  );
  app.post(
    '/jobs/sync',
    {
      schema: {
        ...form,
        operationId: 'runJob',
        summary: 'Submit a program and wait for its end',
        response: { 200: jobResult, ...problems(400, 409, 413, 415, 422, 429, 503, 507) },
      },
    },
    async (request, reply) => result(await create(request, reply), config.MAX_WAIT_SEC, request, reply),
  );

  app.get(
    '/jobs',
    {
      schema: {
        operationId: 'listJobs',
        tags: ['jobs'],
        summary: 'Jobs, newest first',
        querystring: listQuery,
        response: { 200: jobList, ...problems(400) },
      },
    },
    async (request) => {
      const { query } = request;
      const { jobs, next } = await jobsOf(request).list({
        limit: query.limit,
        labels: labelsOf(query.label) ?? [],
        ...(query.status === undefined ? {} : { status: query.status }),
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
      });
      return { jobs: jobs.map(viewOf), next };
    },
  );

  app.get(
    '/jobs/:id',
    {
      schema: { operationId: 'getJob', tags: ['jobs'], summary: 'One job', params: idParams, response: { 200: jobView, ...problems(404) } },
    },
    async (request) => {
      const job = await requireJob(jobsOf(request), request.params.id);
      return { job: viewOf(job), log_lines: job.logLines };
    },
  );

  app.post(
    '/jobs/:id/cancel',
    {
      schema: {
        operationId: 'cancelJob',
        tags: ['jobs'],
        summary: 'Cancel a queued or running job',
        params: idParams,
        response: { 200: jobView, ...problems(404) },
      },
    },
    async (request) => {
      const jobs = jobsOf(request);
      const { id } = await requireJob(jobs, request.params.id);
      const job = await cancelJob(jobs, id);
      if (job === undefined) throw new ApiError('not_found', 'job not found');
      return { job: viewOf(job), log_lines: job.logLines };
    },
  );

  app.delete(
    '/jobs/:id',
    {
      schema: {
        operationId: 'deleteJob',
        tags: ['jobs'],
        summary: 'Remove a finished job with its log and files',
        params: idParams,
        response: { 204: z.null(), ...problems(404, 409) },
      },
    },
    async (request, reply) => {
      const jobs = jobsOf(request);
      const { id } = await requireJob(jobs, request.params.id);
      const deleted = await jobs.delete(id);
      if (deleted === 'not_found') throw new ApiError('not_found', 'job not found');
      if (deleted === 'not_finished') throw new ApiError('job_not_finished', 'the job is not over yet; cancel it first');
      await artifacts.remove(id);
      return reply.code(204).send(null);
    },
  );
}
