import { z } from 'zod';

const bound = z.number().nullable();

/** Answer of GET /usage. */
export const jobUsage = z.object({
  queued: z.number().int().describe('Jobs that wait'),
  running: z.number().int().describe('Jobs that run'),
  stored_bytes: z.number().int().describe('Uploads, logs and artifacts of all jobs together'),
  limits: z
    .object({ queued: bound, running: bound, stored_bytes: bound, jobs_per_minute: bound, upload_bytes_per_minute: bound, viewers: bound })
    .describe('How much of each there may be; null: as much as there is'),
});
