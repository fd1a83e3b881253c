import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { problem } from '../api/problem.ts';
import { isJobId } from '../artifacts/path.ts';
import { ApiError } from '../errors.ts';
import type { OwnJobs } from '../jobs/own-jobs.ts';
import type { JobRecord } from '../store/store.ts';

/** The jobs that whoever sent a request may know of. */
export type JobsOf = (request: Pick<FastifyRequest, 'caller'>) => OwnJobs;

export const idParams = z.object({ id: z.string().describe('The job’s id') });

/** Error answers of an operation, for the API's description. */
export const problems = (...statuses: number[]): Record<number, typeof problem> =>
  Object.fromEntries(statuses.map((status) => [status, problem]));

/** @throws ApiError `not_found` in the original's words */
export async function requireJob(jobs: Pick<OwnJobs, 'get'>, id: string): Promise<JobRecord> {
  const job = isJobId(id) ? await jobs.get(id) : undefined;
  if (job === undefined) throw new ApiError('not_found', 'job not found');
  return job;
}
