import { jobToken } from '../api/token.ts';
import type { Config } from '../config.ts';
import type { Tokens } from '../keys/tokens.ts';
import type { App } from './typed-app.ts';
import { idParams, problems, requireJob, type JobsOf } from './schemas.ts';

/** Where there are no keys, tokens are given as well, so that clients need not know; nobody looks at them. */
const NO_KEY = '0'.repeat(12);

/** POST /jobs/{id}/token. */
export function tokenRoutes(app: App, { TOKEN_TTL_SEC }: Config, jobsOf: JobsOf, tokens: Tokens): void {
  app.post(
    '/jobs/:id/token',
    {
      schema: {
        operationId: 'createToken',
        tags: ['jobs'],
        summary: 'A token for `?token=`, for what can’t send a header: opens reading this job, for minutes',
        params: idParams,
        response: { 200: jobToken, ...problems(404) },
      },
    },
    async (request, reply) => {
      const { id } = await requireJob(jobsOf(request), request.params.id);
      const expiresAt = Date.now() + TOKEN_TTL_SEC * 1000;
      reply.header('cache-control', 'no-store');
      return {
        token: tokens.sign({ keyId: request.keyId ?? NO_KEY, jobId: id, expiresAt }),
        expires_at: new Date(expiresAt).toISOString(),
      };
    },
  );
}
