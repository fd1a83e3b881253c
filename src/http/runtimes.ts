import { runtimeList } from '../api/runtime.ts';
import type { RuntimeCatalog } from '../runtimes/runtime.ts';
import type { App } from './typed-app.ts';

export function runtimeRoutes(app: App, runtimes: RuntimeCatalog): void {
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
