import { runtimeList } from '../api/runtime.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import type { App } from './typed-app.ts';

export function runtimeRoutes(app: App, runtimes: Runtimes): void {
  app.get(
    '/runtimes',
    {
      schema: {
        operationId: 'listRuntimes',
        tags: ['service'],
        summary: 'What can run here, the default first',
        response: { 200: runtimeList },
      },
    },
    async () => ({
      runtimes: runtimes
        .list()
        .map(({ name, version, state, packages }) => ({ name, version, state, packages, default: name === runtimes.defaultName })),
    }),
  );
}
