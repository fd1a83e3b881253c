import type { FastifyRequest } from 'fastify';
import type { App } from './typed-app.ts';

/** An answer that has been sent, or whose client has hung up. */
export interface Answered {
  requestId: string;
  method: string;
  /** The pattern of the route, such as `/jobs/:id`; undefined where there is none. */
  route: string | undefined;
  status: number;
  ms: number;
  /** The job that the address names. */
  jobId: string | undefined;
}

/** What happens on the way between clients and the service: for logs and metrics. Nothing here may throw. */
export interface HttpEvents {
  answered(answer: Answered): void;
  /** An event stream was opened (1) or is over (-1). */
  viewers(change: 1 | -1): void;
}

const jobOf = ({ params }: FastifyRequest): string | undefined => (params as { id?: string } | undefined)?.id;

export function tellAnswers(app: App, events: HttpEvents): void {
  app.addHook('onResponse', async (request, reply) => {
    events.answered({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url,
      status: reply.raw.statusCode,
      ms: reply.elapsedTime,
      jobId: jobOf(request),
    });
  });
}
