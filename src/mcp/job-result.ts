import { z } from 'zod';
import { cause, status, type Job } from '../api/job.ts';
import { isFinal } from '../jobs/state.ts';

/** What tools say of a job, for programs. */
export const jobFields = {
  job_id: z.string(),
  status,
  exit_code: z.int().nullable(),
  cause: cause.nullable(),
  wall_ms: z.number().nullable(),
};

export const jobFieldsOf = ({ id, status: now, exit_code, cause: why, usage }: Job) => ({
  job_id: id,
  status: now,
  exit_code,
  cause: why,
  wall_ms: usage?.wall_ms ?? null,
});

/** How a job stands, for a model, in one line; nothing when all went well. */
export function describeEnd(job: Job): string {
  if (!isFinal(job.status)) return `[still ${job.status}; ask get_job for job ${job.id}, or end it with cancel_job]`;
  switch (job.cause) {
    case null:
      return '';
    case 'exit_nonzero':
      return `[the program ended with exit code ${job.exit_code}]`;
    case 'signal':
      return `[the program was ended by ${job.signal}]`;
    case 'timeout':
      return `[stopped after ${job.spec.timeout_sec} s; give it a longer timeout_sec, or less to do]`;
    case 'oom':
      return `[stopped: it needed more than ${job.spec.mem_limit_mb} MiB of memory]`;
    case 'output_limit':
      return `[stopped: it printed more than ${job.spec.output_limit_mb} MiB]`;
    case 'disk_limit':
      return `[stopped: it wrote more than ${job.spec.disk_limit_mb} MiB of files]`;
    case 'missing_entry':
    case 'worker_lost':
    case 'canceled':
    case 'internal':
      return `[${job.error}]`;
  }
}
