import { z } from 'zod';
import { STRANGER } from './auth.ts';
import type { App } from './typed-app.ts';

const part = z.object({
  name: z.string(),
  ok: z.boolean(),
  detail: z.string(),
  remedy: z.string().optional().describe('What mends it'),
  guarantees: z.record(z.string(), z.boolean()).optional(),
  notes: z.array(z.string()).optional(),
});
const readiness = z.object({ ready: z.boolean(), parts: z.array(part) });

export type ReadinessPart = z.infer<typeof part>;
export type Readiness = z.infer<typeof readiness>;

export function healthRoutes(app: App, ready: () => Promise<Readiness>): void {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        tags: ['service'],
        summary: 'Whether the process answers',
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags: ['service'],
        summary: 'Whether jobs can run, part by part',
        response: { 200: readiness, 503: readiness },
      },
    },
    async (request, reply) => {
      const state = await ready();
      // Balancers have no key, and need no more; what the parts are made of is nothing for strangers.
      const told = request.caller === STRANGER ? { ready: state.ready, parts: [] } : state;
      return reply.code(state.ready ? 200 : 503).send(told);
    },
  );
}
