import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { contentType } from '../artifacts/content-type.ts';
import { ApiError } from '../errors.ts';
import type { App } from './typed-app.ts';

/** Source and built code lie equally deep below the package's root. */
const PACKAGE_ROOT = join(import.meta.dirname, '../..');

/** What is served under /static, and where it lies in the package. */
const FILES: Record<string, string> = {
  '/static/': 'examples/index.html',
  '/static/index.html': 'examples/index.html',
  '/static/README.md': 'README.md',
  '/static/docker-compose.yml': 'docker-compose.yml',
  '/static/examples/client.html': 'examples/client.html',
  '/static/examples/main.py': 'examples/main.py',
};

export function staticRoutes(app: App): void {
  for (const [path, file] of Object.entries(FILES)) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => {
      const source = join(PACKAGE_ROOT, file);
      const found = await stat(source).catch(() => undefined);
      if (found === undefined) throw new ApiError('not_found', 'Not Found');
      return reply
        .type(`${contentType(file)}; charset=utf-8`)
        .headers({ 'content-length': found.size, 'last-modified': found.mtime.toUTCString(), 'cache-control': 'no-cache' })
        .send(createReadStream(source));
    });
  }
}
