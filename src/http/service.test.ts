import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../test/support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ CORS_ORIGINS: 'https://notebook.example' });
});
afterAll(() => app.close());

describe('what the service says of itself', () => {
  it('serves its pages and examples', async () => {
    for (const [path, file, type] of [
      ['/static/', 'examples/index.html', 'text/html'],
      ['/static/index.html', 'examples/index.html', 'text/html'],
      ['/static/README.md', 'README.md', 'text/markdown'],
      ['/static/docker-compose.yml', 'docker-compose.yml', 'text/yaml'],
      ['/static/examples/client.html', 'examples/client.html', 'text/html'],
      ['/static/examples/main.py', 'examples/main.py', 'text/x-python'],
    ] as const) {
      const response = await fetch(app.url + path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(response.headers.get('content-type')).toContain(type);
      expect(await response.text()).toBe(await readFile(file, 'utf8'));
    }
    for (const path of ['/static/../package.json', '/static/%2e%2e/package.json', '/static/package.json']) {
      expect((await fetch(app.url + path)).status).toBe(404);
    }
    expect((await fetch(app.url)).headers.get('content-type')).toContain('text/html');
  });

  it('has a page that names no host and loads nothing from elsewhere', async () => {
    const page = await readFile('examples/client.html', 'utf8');
    expect(page.match(/https?:\/\/[^\s"']+/g)).toBeNull();
    expect(page).toContain('EventSource');
  });

  it('lists what can run, the default first', async () => {
    expect(await (await fetch(`${app.url}/runtimes`)).json()).toEqual({
      runtimes: [{ name: 'python3.12', version: '3.12.1', default: true, state: 'ready', packages: { numpy: '2.0.0' } }],
    });
  });

  it('tells how many jobs wait and run, and what they take', async () => {
    const usage = (await (await fetch(`${app.url}/usage`)).json()) as object;
    expect(usage).toEqual({
      queued: expect.any(Number),
      running: expect.any(Number),
      stored_bytes: expect.any(Number),
      limits: { queued: null, running: null, stored_bytes: null, jobs_per_minute: null, upload_bytes_per_minute: null, viewers: null },
    });
  });

  it('describes every route in OpenAPI 3.1, from the schemas that validate', async () => {
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<
        string,
        Record<
          string,
          {
            responses: Record<string, { content?: object }>;
            requestBody?: { content: Record<string, { schema: { properties: Record<string, { properties: object }> } }> };
          }
        >
      >;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).toSorted()).toEqual([
      '/healthz',
      '/jobs',
      '/jobs/sync',
      '/jobs/{id}',
      '/jobs/{id}/artifacts',
      '/jobs/{id}/artifacts.zip',
      '/jobs/{id}/artifacts/{path}',
      '/jobs/{id}/cancel',
      '/jobs/{id}/events',
      '/jobs/{id}/logs',
      '/jobs/{id}/logs/stream',
      '/jobs/{id}/token',
      '/readyz',
      '/runtimes',
      '/usage',
    ]);
    for (const operations of Object.values(document.paths)) {
      for (const { responses } of Object.values(operations))
        expect(responses['default']?.content).toHaveProperty(['application/problem+json']);
    }
    const form = document.paths['/jobs']?.['post']?.requestBody?.content['multipart/form-data']?.schema.properties;
    expect(Object.keys(form?.['spec']?.properties ?? {})).toContain('timeout_sec');
    expect(document.paths['/jobs/{id}']?.['get']?.responses['404']?.content).toHaveProperty(['application/problem+json']);
    expect(document.paths['/jobs/{id}/logs/stream']?.['get']?.responses['200']?.content).toHaveProperty(['text/event-stream']);
  });

  it('has an API page that needs nothing from elsewhere', async () => {
    const page = await (await fetch(`${app.url}/docs`)).text();
    expect(page.toLowerCase()).toContain('swagger-ui');
    for (const [, source] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(source).not.toMatch(/^(https?:)?\/\//);
      expect((await fetch(new URL(source ?? '', `${app.url}/docs/`))).status).toBe(200);
    }
  });

  it('lets pages of the named origins call it, and no others', async () => {
    const from = async (origin: string): Promise<string | null> =>
      (await fetch(`${app.url}/healthz`, { headers: { origin } })).headers.get('access-control-allow-origin');
    expect(await from('https://notebook.example')).toBe('https://notebook.example');
    expect(await from('https://other.example')).toBeNull();
    const preflight = await fetch(`${app.url}/jobs/${'0'.repeat(32)}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://notebook.example', 'access-control-request-method': 'DELETE' },
    });
    expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
  });
});
