import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OwnJobs } from '../jobs/own-jobs.ts';
import { isFinal } from '../jobs/state.ts';
import { viewOf } from '../jobs/view.ts';
import { logText } from '../jobs/wait.ts';
import type { JobRecord } from '../store/store.ts';
import type { App } from './typed-app.ts';
import { LAST_WORDS, lineFrames, namedFrame, namedFrames } from './frames.ts';
import { idParams, problems, requireJob, type JobsOf } from './schemas.ts';
import { placeOf, type EventStreams, type Viewer } from './sse.ts';
import { wholeLines } from './whole-lines.ts';

const query = z.object({
  after: z.coerce.number().int().min(0).optional().describe('Only entries with a higher number, as Last-Event-ID says in a header'),
});

/** GET /jobs/{id}/logs, /logs/stream and /events. */
export function logRoutes(app: App, jobsOf: JobsOf, streams: EventStreams): void {
  app.get(
    '/jobs/:id/logs',
    {
      schema: {
        operationId: 'getLog',
        tags: ['logs'],
        summary: 'The log so far, as text',
        params: idParams,
        response: { 200: z.unknown(), ...problems(404) },
      },
    },
    async (request, reply) => {
      const jobs = jobsOf(request);
      const { id, logLines } = await requireJob(jobs, request.params.id);
      return reply.type('text/plain; charset=utf-8').send(Readable.from(logText(jobs, id, logLines)));
    },
  );

  const stream = (
    path: string,
    operationId: string,
    summary: string,
    serve: (jobs: OwnJobs, job: JobRecord, after: number, viewer: Viewer) => Promise<void>,
  ): void => {
    app.get(
      path,
      {
        schema: {
          operationId,
          tags: ['logs'],
          summary,
          params: idParams,
          querystring: query,
          response: { 200: z.unknown(), ...problems(400, 404) },
        },
      },
      async (request: FastifyRequest<{ Params: { id: string }; Querystring: { after?: number } }>, reply: FastifyReply) => {
        const jobs = jobsOf(request);
        const job = await requireJob(jobs, request.params.id);
        streams.open(request, reply, (viewer) => serve(jobs, job, placeOf(request, request.query.after), viewer));
      },
    );
  };

  stream('/jobs/:id/logs/stream', 'streamLog', 'The log as it comes: one event a line, then `end`', async (jobs, job, after, viewer) => {
    for await (const chunk of wholeLines(jobs.follow(job.id, after, viewer.signal))) await viewer.write(lineFrames(chunk));
    if (!viewer.signal.aborted) viewer.end(LAST_WORDS);
  });

  stream(
    '/jobs/:id/events',
    'streamEvents',
    'Everything about the job as it comes: named events with JSON data',
    async (jobs, job, after, viewer) => {
      let told = '';
      const tellStatus = async (record: JobRecord): Promise<void> => {
        const now = namedFrame('status', { status: record.status, attempt: record.attempt });
        if (now !== told) await viewer.write(now);
        told = now;
      };
      await tellStatus(job);
      for await (const chunk of jobs.follow(job.id, after, viewer.signal)) {
        // The runner speaks whenever the job's status changes.
        const record = chunk.some((entry) => entry.stream === 'runner') ? await jobs.get(job.id) : undefined;
        if (record !== undefined && !isFinal(record.status)) await tellStatus(record);
        await viewer.write(namedFrames(chunk));
      }
      const record = viewer.signal.aborted ? undefined : await jobs.get(job.id);
      if (record === undefined) return;
      await tellStatus(record);
      for (const artifact of record.artifacts) await viewer.write(namedFrame('artifact', artifact));
      viewer.end(namedFrame('end', { job: viewOf(record) }));
    },
  );
}
