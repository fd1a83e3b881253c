import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../test/support/app.ts';

const BUILT = join(import.meta.dirname, '../../dist/console');
// Tests come after a build; run alone, without one, it is a reported skip.
const isBuilt = existsSync(BUILT) || process.env['CI'] !== undefined;
const MAX_SENT_BYTES = 250 * 1000;

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

interface Raw {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** Fetch decodes what it gets; here it matters what is sent. */
const get = (path: string, headers: Record<string, string> = {}): Promise<Raw> =>
  new Promise((resolve, reject) => {
    request(app.url + path, { headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }));
    })
      .on('error', reject)
      .end();
  });

const script = async (): Promise<string> => /src="\.\/(assets\/[^"]+\.js)"/.exec((await get('/')).body.toString())?.[1] ?? '';

describe.skipIf(!isBuilt)('the console, as it is served', () => {
  it('is a page that may load nothing from elsewhere and is asked for anew each time', async () => {
    const { status, headers, body } = await get('/');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(body.toString()).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect((await get('/', { 'if-none-match': String(headers['etag']) })).status).toBe(304);
  });

  it('has files that never change under their names, compressed ahead for whoever takes that', async () => {
    const path = `/${await script()}`;
    const plain = await get(path);
    expect(plain.headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const [br, gzip, refused] = await Promise.all(
      ['gzip, deflate, br', 'gzip', 'br;q=0, gzip;q=0.0'].map((accepted) => get(path, { 'accept-encoding': accepted })),
    );
    expect(br?.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(br?.body ?? '').equals(plain.body)).toBe(true);
    expect(gzip?.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip?.body ?? '').equals(plain.body)).toBe(true);
    expect(refused?.headers['content-encoding']).toBeUndefined();
    expect(new Set([plain, br, gzip].map((each) => each?.headers['etag'])).size).toBe(3);
  });

  it('gives nothing but its own files', async () => {
    for (const path of ['/assets/nothing.js', '/assets/../index.html', '/assets/%2e%2e/%2e%2e/main.js', '/index.html']) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
  });

  it('shows pages that jobs made in an origin that is nobody’s, without a network', async () => {
    const policy = String((await get('/frame.html')).headers['content-security-policy']);
    expect(policy).toMatch(/^sandbox allow-scripts;/);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/allow-same-origin|connect-src|https?:/);
  });

  it(`is less than ${MAX_SENT_BYTES / 1000} kB in all, as gzip sends it`, async () => {
    const files = (await readdir(BUILT, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const paths = new Set(files.map(({ parentPath, name }) => join(parentPath, name)));
    const sent = [...paths].filter((path) => !/\.(br|gz)$/.test(path)).map((path) => (paths.has(`${path}.gz`) ? `${path}.gz` : path));
    const sizes = await Promise.all(sent.map(async (path) => (await stat(path)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_SENT_BYTES);
  });
});
