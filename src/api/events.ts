import { z } from 'zod';
import { artifact, job } from './job.ts';

/** One piece of output. `seq` counts from 1 without gaps, over all attempts of the job; it is the SSE id. */
export const STREAMS = ['stdout', 'stderr', 'runner'] as const;
export const logEvent = z.object({ seq: z.int(), at: z.iso.datetime(), text: z.string() });

/** Data of the named events on GET /jobs/{id}/events. */
export const events = {
  stdout: logEvent,
  stderr: logEvent,
  runner: logEvent,
  status: z.object({ status: job.shape.status, attempt: job.shape.attempt }),
  artifact,
  end: z.object({ job }),
};
