import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../test/support/app.ts';

let app: TestApp;
afterEach(() => app.close());

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** `fetch` sets its own Host. */
const post = (headers: Record<string, string>, body = PING): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const sent = request(new URL('/mcp', app.url), { method: 'POST', headers: { ...JSON_HEADERS, ...headers } }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end(body);
  });

describe('who may call /mcp', () => {
  it.each<[string, Record<string, string>, Record<string, string>, number]>([
    ['a program', {}, {}, 200],
    ['a page of this machine', {}, { origin: 'http://localhost:5173' }, 200],
    ['a page from elsewhere', {}, { origin: 'https://evil.example' }, 403],
    ['a sandboxed page', {}, { origin: 'null' }, 403],
    ['a page that has bent its own name to this machine', {}, { host: 'evil.example:8000' }, 403],
    ['a page that CORS_ORIGINS trusts', { CORS_ORIGINS: 'https://chat.example' }, { origin: 'https://chat.example' }, 200],
    ['any page, where CORS_ORIGINS says so', { CORS_ORIGINS: '*' }, { origin: 'https://any.example' }, 200],
    ['who asks by a name of MCP_HOSTS', { MCP_HOSTS: 'jobs.example' }, { host: 'jobs.example' }, 200],
    ['who asks by another name then', { MCP_HOSTS: 'jobs.example' }, { host: 'evil.example' }, 403],
    ['who asks by any name, behind an address for all', { HOST: '0.0.0.0', ALLOW_ANONYMOUS: '1' }, { host: 'jobs.example' }, 200],
    ['a page of the visitor’s own machine then', { HOST: '0.0.0.0', ALLOW_ANONYMOUS: '1' }, { origin: 'http://localhost' }, 403],
  ])('%s', async (_who, variables, headers, status) => {
    app = await startApp(variables);
    const answer = await post(headers);
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(JSON.parse(answer.text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { message: expect.any(String) as string } });
  });
});

describe('/mcp', () => {
  it('says in its own form what is no message', async () => {
    app = await startApp({ MAX_UPLOAD_MB: '1' });
    const broken = await post({}, '{');
    expect([broken.status, JSON.parse(broken.text)]).toEqual([400, expect.objectContaining({ jsonrpc: '2.0', id: null })]);
    expect((await post({ 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post({}, `"${'x'.repeat(2 * 1024 ** 2)}"`)).status).toBe(413);
  });

  it('keeps no sessions', async () => {
    app = await startApp();
    expect((await fetch(`${app.url}/mcp`, { headers: { accept: 'text/event-stream' } })).status).toBe(405);
    expect((await fetch(`${app.url}/mcp`, { method: 'DELETE' })).status).toBe(405);
  });

  it('is not there when it is switched off', async () => {
    app = await startApp({ MCP: '0' });
    expect((await post({})).status).toBe(404);
  });
});
