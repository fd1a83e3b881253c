import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JobSpec } from '../api/spec.ts';
import { ApiError } from '../errors.ts';
import { senderOf } from '../http/sender.ts';
import { cancelJob } from '../jobs/cancel.ts';
import { isFinal } from '../jobs/state.ts';
import { submitProgram, type ProgramFile } from '../jobs/submit-program.ts';
import { waitForEnd } from '../jobs/wait.ts';
import type { JobRecord } from '../store/store.ts';
import type { DropInParts } from './parts.ts';

/** For as long as it takes: how long a program may run is up to its own limit. */
const WAIT_MS = 24 * 60 * 60 * 1000;

/** Aborts when the client has hung up, and, without harm, when it has been answered. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  return gone.signal;
}

/**
 * Submits a job and waits for its end. Nobody can ask for the result of one whose client has hung up: it is canceled.
 *
 * @throws ApiError what submitting throws; `unavailable` when the service stops; `internal` when it was not the program's fault
 */
export async function runJob(
  { jobsOf, submitter, closing }: DropInParts,
  request: FastifyRequest,
  spec: Partial<JobSpec>,
  files: readonly ProgramFile[],
  gone: AbortSignal,
): Promise<JobRecord> {
  const jobs = jobsOf(request);
  const { id } = await submitProgram(submitter, senderOf(request), spec, files);
  const job = await waitForEnd(jobs, id, WAIT_MS, AbortSignal.any([gone, closing]));
  if (job === undefined || !isFinal(job.status)) {
    if (gone.aborted) await cancelJob(jobs, id);
    throw new ApiError('unavailable', 'the service is stopping; try again', { headers: { 'retry-after': '5' } });
  }
  const kind = job.outcome?.kind;
  if (kind === 'internal' || kind === 'worker_lost') throw new ApiError('internal', `the program could not be run; see the job ${id}`);
  return job;
}
