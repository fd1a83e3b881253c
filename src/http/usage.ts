import { jobUsage } from '../api/usage.ts';
import type { App } from './typed-app.ts';
import type { JobsOf } from './schemas.ts';

/** GET /usage. */
export function usageRoutes(app: App, jobsOf: JobsOf): void {
  app.get(
    '/usage',
    {
      schema: {
        operationId: 'getUsage',
        tags: ['jobs'],
        summary: 'How many jobs wait and run, what all of them take, and how much of it there may be',
        response: { 200: jobUsage },
      },
    },
    async (request, reply) => {
      const { queued, running, bytes } = await jobsOf(request).usage();
      const { limits } = request.caller;
      reply.header('cache-control', 'no-store');
      return {
        queued,
        running,
        stored_bytes: bytes,
        limits: {
          queued: limits.maxQueued ?? null,
          running: limits.maxRunning ?? null,
          stored_bytes: limits.storedBytes ?? null,
          jobs_per_minute: limits.jobsPerMinute ?? null,
          upload_bytes_per_minute: limits.uploadBytesPerMinute ?? null,
          viewers: limits.maxViewers ?? null,
        },
      };
    },
  );
}
