import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formOf, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { readStream } from '../../test/support/service.ts';
import { tenantFile, type Tenant, type TenantFile } from '../../test/support/tenants.ts';

let tenants: TenantFile;
let alice: Tenant;
let app: TestApp;
beforeEach(async () => {
  tenants = await tenantFile();
  alice = await tenants.add('alice');
  app = await startApp({ API_KEYS_FILE: tenants.path, CORS_ORIGINS: 'https://page.example' });
});
afterEach(async () => {
  await app.close();
  await tenants.remove();
});

const problemOf = async (response: Response): Promise<Record<string, unknown>> => ({
  ...((await response.json()) as object),
  status: response.status,
  challenge: response.headers.get('www-authenticate'),
});

const submitAs = async (tenant: Tenant): Promise<string> =>
  ((await (await tenant.fetch(`${app.url}/jobs`, { method: 'POST', body: formOf({}) })).json()) as { job_id: string }).job_id;

describe('with API keys', () => {
  it.each<[string, (key: string) => Record<string, string>]>([
    ['Authorization: Bearer', (key) => ({ authorization: `Bearer ${key}` })],
    ['the scheme in any case', (key) => ({ authorization: `bEARER  ${key}` })],
    ['X-Api-Key', (key) => ({ 'x-api-key': key })],
    ['nothing but the key in Authorization, as clients of Piston send it', (key) => ({ authorization: key })],
    ['X-Api-Key beside what a proxy asks for', (key) => ({ 'x-api-key': key, authorization: 'Basic cHJveHk6cHJveHk=' })],
  ])('lets in who sends %s', async (_how, headers) => {
    expect((await fetch(`${app.url}/jobs`, { headers: headers(alice.key) })).status).toBe(200);
  });

  it.each<[string, (key: string) => Record<string, string>]>([
    ['another key', () => ({ authorization: `Bearer jrk_${'A'.repeat(43)}` })],
    ['a key that is cut', (key) => ({ authorization: `Bearer ${key.slice(0, -1)}` })],
    ['an empty key', () => ({ 'x-api-key': '' })],
    ['a key and one more', (key) => ({ 'x-api-key': `${key}, ${key}` })],
    ['another scheme', (key) => ({ authorization: `Basic ${Buffer.from(`alice:${key}`).toString('base64')}` })],
    ['the hash of the key', () => ({ 'x-api-key': alice.keyId })],
    ['a wrong X-Api-Key beside the right key', (key) => ({ 'x-api-key': 'x', authorization: `Bearer ${key}` })],
  ])('refuses who sends %s', async (_what, headers) => {
    expect(await problemOf(await fetch(`${app.url}/jobs`, { headers: headers(alice.key) }))).toMatchObject({
      status: 401,
      code: 'unauthorized',
      detail: 'there is no such API key',
      challenge: 'Bearer realm="job-runner", error="invalid_token"',
    });
  });

  it('refuses who sends no key, on every route but those that are open by name', async () => {
    const routes: [string, string][] = [
      ['GET', '/jobs'],
      ['POST', '/jobs'],
      ['POST', '/jobs/sync'],
      ['GET', '/jobs/'],
      ['GET', '/runtimes'],
      ['GET', '/usage'],
      ['GET', '/no/such/route'],
      ['DELETE', '/healthz'],
      ['GET', '/api/v2/runtimes'],
      ['POST', '/api/v2/execute'],
      ['POST', '/api/v2/piston/execute'],
      ['GET', '/v1/health'],
      ['POST', '/v1/exec'],
      ['POST', '/v1/upload'],
      ['POST', '/mcp'],
      ['GET', '/static/..%2Fjobs'],
      ['GET', '//jobs'],
      ['GET', '/docs/..%2f..%2fjobs'],
    ];
    for (const path of ['', '/logs', '/logs/stream', '/events', '/artifacts', '/artifacts/a', '/artifacts.zip', '/token', '/cancel'])
      routes.push(...['GET', 'HEAD', 'POST', 'DELETE'].map((method): [string, string] => [method, `/jobs/${'0'.repeat(32)}${path}`]));
    for (const [method, path] of routes) {
      const response = await fetch(app.url + path, { method, redirect: 'manual' });
      expect([method, path, [404, 401].includes(response.status)]).toEqual([method, path, true]);
      if (response.status === 401) expect(response.headers.get('www-authenticate')).toBe('Bearer realm="job-runner"');
      else expect(path).toMatch(/^\/(docs|static)\//);
    }
    expect(await (await fetch(`${app.url}/v1/exec`, { method: 'POST' })).json()).toEqual({
      error: 'send an API key, as Authorization: Bearer or as X-Api-Key',
      message: 'send an API key, as Authorization: Bearer or as X-Api-Key',
    });
  });

  it('answers who has no key on what is open, and tells strangers no parts of it', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs/', '/static/examples/client.html', '/static/README.md'])
      expect([path, (await fetch(app.url + path)).status]).toEqual([path, 200]);
    expect(await (await fetch(`${app.url}/readyz`)).json()).toEqual({ ready: true, parts: [] });
  });

  it('tells programs in OpenAPI what opens what', async () => {
    const { paths, components } = (await (await fetch(`${app.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { security?: object[] }>>;
      components: { securitySchemes: object };
    };
    expect(Object.keys(components.securitySchemes)).toEqual(['bearer', 'header', 'token']);
    const kinds = (path: string, method: string) => paths[path]?.[method]?.security?.flatMap((each) => Object.keys(each));
    expect(kinds('/healthz', 'get')).toEqual([]);
    expect(kinds('/jobs/{id}/events', 'get')).toEqual(['bearer', 'header', 'token']);
    expect(kinds('/jobs/{id}', 'delete') ?? []).not.toContain('token');
  });

  it('leaves nothing of an upload without a key', async () => {
    expect((await fetch(`${app.url}/jobs`, { method: 'POST', body: formOf({}) })).status).toBe(401);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('answers pages’ preflight requests, which have no key, and lets them read a refusal', async () => {
    const asked = {
      origin: 'https://page.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-api-key',
    };
    const preflight = await fetch(`${app.url}/jobs`, { method: 'OPTIONS', headers: asked });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, 'x-api-key']);
    const refused = await fetch(`${app.url}/jobs`, { headers: { origin: 'https://page.example' } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, 'https://page.example']);
    expect(refused.headers.get('access-control-expose-headers')).toContain('www-authenticate');
  });
});

describe('a token', () => {
  const tokenFor = async (id: string): Promise<{ token: string; expires_at: string }> =>
    (await (await alice.fetch(`${app.url}/jobs/${id}/token`, { method: 'POST' })).json()) as { token: string; expires_at: string };

  it('opens reading its job, for what can’t send a header', async () => {
    const id = await submitAs(alice);
    const { token, expires_at } = await tokenFor(id);
    expect(Date.parse(expires_at)).toBeGreaterThan(Date.now());
    for (const path of ['', '/logs', '/artifacts', '/artifacts.zip'])
      expect([path, (await fetch(`${app.url}/jobs/${id}${path}?token=${token}`)).status]).toEqual([path, 200]);
    await alice.fetch(`${app.url}/jobs/${id}/cancel`, { method: 'POST' });
    for (const path of ['/logs/stream', '/events']) {
      const events = await readStream(`${app.url}/jobs/${id}${path}?token=${token}&after=0`);
      expect([path, events.at(-1)?.event]).toEqual([path, 'end']);
    }
  });

  it('opens nothing else: no other job, no list, no change, no further token', async () => {
    const id = await submitAs(alice);
    const other = await submitAs(alice);
    const { token } = await tokenFor(id);
    const refused: [string, string][] = [
      ['GET', `/jobs/${other}`],
      ['GET', `/jobs/${other}/events`],
      ['GET', '/jobs'],
      ['GET', '/runtimes'],
      ['GET', '/usage'],
      ['POST', `/jobs/${id}/cancel`],
      ['POST', `/jobs/${id}/token`],
      ['DELETE', `/jobs/${id}`],
      ['POST', '/jobs'],
      ['GET', `/jobs/${id}/../${other}`],
      ['GET', `/jobs/${id}%2f..%2f${other}`],
    ];
    for (const [method, path] of refused) {
      const response = await fetch(`${app.url}${path}?token=${token}`, { method });
      expect([method, path, response.status]).toEqual([method, path, 401]);
    }
    expect((await alice.fetch(`${app.url}/jobs/${id}`)).status).toBe(200);
  });

  it('is refused when it is forged, sent twice, or its time is over, and is never told back', async () => {
    const id = await submitAs(alice);
    const { token } = await tokenFor(id);
    const longer = token.replace(/\.\d+\./, (expiry) => `.${Number(expiry.slice(1, -1)) + 1000}.`);
    for (const wrong of [longer, token.slice(0, -2), `${token}&token=${token}`, '']) {
      const response = await fetch(`${app.url}/jobs/${id}?token=${wrong}`);
      expect(response.status).toBe(401);
      expect(await response.text()).not.toContain(token.slice(-20));
    }
    await app.close();
    app = await startApp({ API_KEYS_FILE: tenants.path, TOKEN_TTL_SEC: '1' });
    const again = await submitAs(alice);
    const short = await tokenFor(again);
    while (Date.now() < Date.parse(short.expires_at)) await fetch(`${app.url}/healthz`);
    expect((await fetch(`${app.url}/jobs/${again}?token=${short.token}`)).status).toBe(401);
  });

  it('ends with the key that it was asked for with, as does every stream that the key has opened', async () => {
    const id = await submitAs(alice);
    const { token } = await tokenFor(id);
    const second = await tenants.add('alice');
    const streams = [
      readStream(`${app.url}/jobs/${id}/events?token=${token}`),
      readStream(`${app.url}/jobs/${id}/logs/stream`, () => undefined, { 'x-api-key': alice.key }),
    ];
    await tenants.revoke(alice.keyId);
    for (const events of await Promise.all(streams)) expect(events.at(-1)?.event).not.toBe('end');
    expect((await fetch(`${app.url}/jobs/${id}?token=${token}`)).status).toBe(401);
    expect((await alice.fetch(`${app.url}/jobs/${id}`)).status).toBe(401);
    expect((await second.fetch(`${app.url}/jobs/${id}`)).status).toBe(200);
  });
});

describe('without API keys', () => {
  it('asks nobody for one, and gives tokens that nobody needs', async () => {
    const open = await startApp();
    try {
      const id = await submit(open.url);
      const response = await fetch(`${open.url}/jobs/${id}/token`, { method: 'POST' });
      const { token } = (await response.json()) as { token: string };
      expect((await fetch(`${open.url}/jobs/${id}?token=${token}`)).status).toBe(200);
      expect((await fetch(`${open.url}/jobs/${id}`, { headers: { authorization: 'Bearer anything' } })).status).toBe(200);
    } finally {
      await open.close();
    }
  });
});
