import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claim, finish, formOf, lines, startApp, type TestApp } from '../../test/support/app.ts';
import { tenantFile, type Tenant, type TenantFile } from '../../test/support/tenants.ts';
import { fileIdOf, sessionIdOf } from '../dropin/librechat/ids.ts';

/** Everything of Alice's is asked for by Bob, on every route there is; and nothing tells what is hers from what never was. */

let tenants: TenantFile;
let app: TestApp;
let alice: Tenant;
let bob: Tenant;
/** Alice's: one that is over, with a log and files, and one that runs. */
let done: string;
let running: string;
const NEVER = '01890a5d000070008000000000000000';

const submitAs = async (tenant: Tenant, headers: Record<string, string> = {}): Promise<string> => {
  const response = await tenant.fetch(`${app.url}/jobs`, { method: 'POST', body: formOf({ spec: { labels: { of: 'x' } } }), headers });
  return ((await response.json()) as { job_id: string }).job_id;
};

beforeAll(async () => {
  tenants = await tenantFile();
  [alice, bob] = [await tenants.add('alice'), await tenants.add('bob')];
  app = await startApp({ API_KEYS_FILE: tenants.path });
  done = await submitAs(alice, { 'idempotency-key': 'same' });
  const claimed = await claim(app.store);
  const artifact = await app.artifacts.keep(done, { name: 'secret.txt', size: 6, open: () => Readable.from([Buffer.from('secret')]) });
  await app.store.append(claimed.lease, lines('secret 1\n', 'secret 2\n'));
  await finish(app.store, claimed, { artifacts: [artifact] });
  running = await submitAs(alice);
  await claim(app.store);
});
afterAll(async () => {
  await app?.close();
  await tenants?.remove();
});

/** What an answer tells, but for what tells two answers of the same apart. */
async function told(response: Response, id: string): Promise<unknown> {
  const text = (await response.text()).replaceAll(id, 'ID').replaceAll(sessionIdOf(id), 'ID');
  const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  return { status: response.status, headers, text };
}

describe('another’s job', () => {
  const routes: [string, string, RequestInit?][] = [
    ['GET', '/jobs/ID'],
    ['HEAD', '/jobs/ID'],
    ['GET', '/jobs/ID/'],
    ['GET', '/jobs/ID/logs'],
    ['HEAD', '/jobs/ID/logs'],
    ['GET', '/jobs/ID/logs/stream'],
    ['GET', '/jobs/ID/logs/stream?after=1'],
    ['GET', '/jobs/ID/logs/stream', { headers: { 'last-event-id': '1' } }],
    ['HEAD', '/jobs/ID/logs/stream'],
    ['GET', '/jobs/ID/events'],
    ['GET', '/jobs/ID/events', { headers: { 'last-event-id': '999' } }],
    ['GET', '/jobs/ID/artifacts'],
    ['GET', '/jobs/ID/artifacts/secret.txt'],
    ['GET', '/jobs/ID/artifacts/secret.txt', { headers: { 'if-none-match': '*' } }],
    ['GET', '/jobs/ID/artifacts/secret.txt', { headers: { range: 'bytes=99-' } }],
    ['HEAD', '/jobs/ID/artifacts/secret.txt'],
    ['GET', '/jobs/ID/artifacts/other.txt'],
    ['GET', '/jobs/ID/artifacts.zip'],
    ['POST', '/jobs/ID/cancel'],
    ['POST', '/jobs/ID/token'],
    ['DELETE', '/jobs/ID'],
    ['GET', '/v1/files/ID?detail=full'],
    [`GET`, `/v1/download/ID/${fileIdOf('secret.txt')}`],
    [`GET`, `/v1/sessions/ID/objects/${fileIdOf('secret.txt')}`],
    [`DELETE`, `/v1/files/ID/${fileIdOf('secret.txt')}`],
    [`DELETE`, `/v1/sessions/ID/objects/${fileIdOf('secret.txt')}`],
  ];

  it.each(routes)('is not there: %s %s %j', async (method, path, init = {}) => {
    const isSession = path.startsWith('/v1');
    const ask = async (tenant: Tenant, id: string): Promise<Response> =>
      tenant.fetch(app.url + path.replace('ID', isSession ? sessionIdOf(id) : id), { ...init, method });
    const never = await told(await ask(bob, NEVER), NEVER);
    for (const id of [done, running]) expect(await told(await ask(bob, id), id)).toEqual(never);
    if (path.startsWith('/v1/files/ID?')) expect(never).toMatchObject({ status: 200, text: '[]' });
    else expect(never).toMatchObject({ status: 404 });
  });

  it('is still there for its owner, as it was', async () => {
    const get = async (path: string): Promise<string> => (await alice.fetch(`${app.url}/jobs/${done}${path}`)).text();
    expect(await get('/artifacts/secret.txt')).toBe('secret');
    expect(await get('/logs')).toContain('secret 2');
    expect(JSON.parse(await get(''))).toMatchObject({ job: { status: 'succeeded' } });
    const runs = await alice.fetch(`${app.url}/jobs/${running}`);
    expect(await runs.json()).toMatchObject({ job: { status: 'running' } });
    expect(await (await alice.fetch(`${app.url}/v1/files/${sessionIdOf(done)}`)).json()).toHaveLength(1);
  });

  it('is in nobody else’s list, whatever is asked for', async () => {
    for (const query of ['', '?status=running', '?status=succeeded', '?label=of', '?label=of=x', `?cursor=${'f'.repeat(32)}`]) {
      expect(await (await bob.fetch(`${app.url}/jobs${query}`)).json()).toEqual({ jobs: [], next: null });
    }
    const { jobs } = (await (await alice.fetch(`${app.url}/jobs?label=of=x`)).json()) as { jobs: { id: string }[] };
    expect(jobs.map(({ id }) => id)).toEqual([running, done]);
  });

  it('is not told of by an idempotency key: the same key is another one', async () => {
    const id = await submitAs(bob, { 'idempotency-key': 'same' });
    expect(id).not.toBe(done);
    expect(await submitAs(bob, { 'idempotency-key': 'same' })).toBe(id);
    expect(await submitAs(alice, { 'idempotency-key': 'same' })).toBe(done);
    const other = await bob.fetch(`${app.url}/jobs`, {
      method: 'POST',
      body: formOf({ spec: {} }),
      headers: { 'idempotency-key': 'same' },
    });
    expect(other.status).toBe(409);
    await bob.fetch(`${app.url}/jobs/${id}/cancel`, { method: 'POST' });
    await bob.fetch(`${app.url}/jobs/${id}`, { method: 'DELETE' });
  });

  it('is not opened by a token of one’s own', async () => {
    const own = await submitAs(bob);
    const { token } = (await (await bob.fetch(`${app.url}/jobs/${own}/token`, { method: 'POST' })).json()) as { token: string };
    expect((await fetch(`${app.url}/jobs/${own}?token=${token}`)).status).toBe(200);
    expect((await fetch(`${app.url}/jobs/${done}?token=${token}`)).status).toBe(401);
    // Not with the job's id put into it, either.
    expect((await fetch(`${app.url}/jobs/${done}?token=${token.replace(own, done)}`)).status).toBe(401);
    await bob.fetch(`${app.url}/jobs/${own}/cancel`, { method: 'POST' });
  });

  it('gives no file to an execution of LibreChat’s', async () => {
    const body = (sessionId: string): string =>
      JSON.stringify({
        lang: 'py',
        code: 'pass',
        files: [{ id: fileIdOf('secret.txt'), storage_session_id: sessionId, name: 'secret.txt' }],
      });
    const ask = (sessionId: string) =>
      bob.fetch(`${app.url}/v1/exec`, { method: 'POST', body: body(sessionId), headers: { 'content-type': 'application/json' } });
    const never = await told(await ask(sessionIdOf(NEVER)), NEVER);
    expect(never).toMatchObject({ status: 404 });
    expect(await told(await ask(sessionIdOf(done)), done)).toEqual(never);
  });

  it('lets nobody at files that were uploaded for LibreChat with another key', async () => {
    const form = new FormData();
    form.append('file', new File(['secret'], 'in.txt'));
    const sent = await alice.fetch(`${app.url}/v1/upload`, { method: 'POST', body: form });
    const { session_id: session, files } = (await sent.json()) as { session_id: string; files: { fileId: string }[] };
    const paths = [`/download/${session}/${files[0]?.fileId}`, `/sessions/${session}/objects/${files[0]?.fileId}`];
    for (const path of paths) {
      expect((await bob.fetch(`${app.url}/v1${path}`)).status).toBe(404);
      expect((await alice.fetch(`${app.url}/v1${path}`)).status).toBe(200);
    }
    expect(await (await bob.fetch(`${app.url}/v1/files/${session}`)).json()).toEqual([]);
    expect((await bob.fetch(`${app.url}/v1/files/${session}/${files[0]?.fileId}`, { method: 'DELETE' })).status).toBe(404);
    expect(await (await alice.fetch(`${app.url}/v1/files/${session}`)).json()).toHaveLength(1);
  });

  it('is unknown to every tool of MCP, and to its resources', async () => {
    const call = async (tenant: Tenant, method: string, params: object): Promise<string> => {
      const response = await tenant.fetch(`${app.url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      });
      expect(response.status).toBe(200);
      return response.text();
    };
    const asked = (id: string): [string, object][] => [
      ...['get_job', 'cancel_job', 'list_artifacts', 'read_artifact'].map((name): [string, object] => [
        'tools/call',
        { name, arguments: { job_id: id, name: 'secret.txt' } },
      ]),
      ['resources/read', { uri: `job-runner://jobs/${id}/artifacts/secret.txt` }],
    ];
    const never = asked(NEVER);
    for (const [index, [method, params]] of asked(done).entries()) {
      const his = (await call(bob, method, params)).replaceAll(done, 'ID');
      expect(his).toBe((await call(bob, method, never[index]?.[1] ?? {})).replaceAll(NEVER, 'ID'));
      expect(his).not.toContain('secret 1');
    }
    expect(await call(alice, 'tools/call', { name: 'get_job', arguments: { job_id: done } })).toContain('secret 1');
    expect(await call(alice, 'resources/read', { uri: `job-runner://jobs/${done}/artifacts/secret.txt` })).toContain('secret');
  });

  it('stays the owner’s when the key is another one', async () => {
    const second = await tenants.add('alice');
    let status = 401;
    // Taken over within a second.
    while (status === 401) ({ status } = await second.fetch(`${app.url}/jobs/${done}`));
    expect(status).toBe(200);
  });
});
