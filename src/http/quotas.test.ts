import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, formOf, startApp, submit, post, type TestApp } from '../../test/support/app.ts';
import { readStream } from '../../test/support/service.ts';
import { tenantFile, type Tenant, type TenantFile } from '../../test/support/tenants.ts';

let tenants: TenantFile;
let app: TestApp;
beforeEach(async () => {
  tenants = await tenantFile();
});
afterEach(async () => {
  await app.close();
  await tenants.remove();
});

type Limits = Parameters<TenantFile['add']>[1];

async function started(limits: Limits, variables: Record<string, string> = {}): Promise<{ alice: Tenant; bob: Tenant }> {
  const [alice, bob] = [await tenants.add('alice', limits), await tenants.add('bob')];
  app = await startApp({ API_KEYS_FILE: tenants.path, ...variables });
  return { alice, bob };
}

const send = (tenant: Tenant, form: FormData = formOf({}), headers: Record<string, string> = {}): Promise<Response> =>
  tenant.fetch(`${app.url}/jobs`, { method: 'POST', body: form, headers });

/** What a refusal says to programs. */
const refusal = async (response: Response): Promise<object> => ({
  status: response.status,
  code: ((await response.json()) as { code: string }).code,
  retryAfter: response.headers.get('retry-after'),
});

describe('quotas of an owner', () => {
  it('bound the jobs that wait; another’s may come, and the owner’s when one has started', async () => {
    const { alice, bob } = await started({ max_queued: 2 });
    expect([(await send(alice)).status, (await send(alice)).status]).toEqual([200, 200]);
    const left = await app.filesLeft();
    expect(await refusal(await send(alice))).toEqual({ status: 429, code: 'quota_exceeded', retryAfter: '5' });
    expect(await app.filesLeft()).toEqual(left);
    expect((await send(bob)).status).toBe(200);
    await claim(app.store);
    expect((await send(alice)).status).toBe(200);
  });

  it('are told with what counts towards them, of the owner’s jobs alone', async () => {
    const { alice, bob } = await started({ max_queued: 2, stored_mb: 1, jobs_per_minute: 0 });
    await send(alice);
    await send(alice);
    await send(bob);
    await claim(app.store);
    const usage = async (tenant: Tenant): Promise<Record<string, unknown>> =>
      (await (await tenant.fetch(`${app.url}/usage`)).json()) as Record<string, unknown>;
    const stored = (await app.store.usage('alice')).bytes;
    expect(await usage(alice)).toMatchObject({
      queued: 1,
      running: 1,
      stored_bytes: stored,
      limits: { queued: 2, running: null, stored_bytes: 1024 ** 2, jobs_per_minute: null },
    });
    expect(await usage(bob)).toMatchObject({ queued: 1, running: 0, limits: { queued: 1000 } });
  });

  it('let a repeated request have its job, whatever waits', async () => {
    const { alice } = await started({ max_queued: 1 });
    const first = (await (await send(alice, formOf({}), { 'idempotency-key': 'k' })).json()) as object;
    expect(await (await send(alice, formOf({}), { 'idempotency-key': 'k' })).json()).toEqual(first);
    expect(await refusal(await send(alice, formOf({}), { 'idempotency-key': 'other' }))).toMatchObject({ status: 429 });
  });

  it('bound jobs a minute, and tell how it stands on every answer', async () => {
    const { alice, bob } = await started({ jobs_per_minute: 2 });
    const headers = async (response: Response): Promise<(string | null)[]> =>
      ['ratelimit-policy', 'ratelimit'].map((name) => response.headers.get(name));
    expect(await headers(await send(alice))).toEqual(['"jobs";q=2;w=60', '"jobs";r=1;t=30']);
    expect((await headers(await send(alice)))[1]).toMatch(/^"jobs";r=0;t=(29|30)$/);
    const third = await send(alice);
    expect(await headers(third)).toEqual(['"jobs";q=2;w=60', expect.stringMatching(/^"jobs";r=0;t=(29|30)$/)]);
    expect(await refusal(third)).toMatchObject({ status: 429, code: 'too_many_requests', retryAfter: expect.stringMatching(/^(29|30)$/) });
    expect((await headers(await send(bob)))[0]).toBe('"jobs";q=600;w=60');
    expect((await alice.fetch(`${app.url}/jobs`)).status).toBe(200);
  });

  it('bound jobs of drop-ins and of MCP just the same', async () => {
    const { alice } = await started({ max_queued: 0, jobs_per_minute: 1 });
    await send(alice);
    const json = { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' } };
    const piston = { language: 'python', version: '3.12', files: [{ content: 'pass' }] };
    const execute = await alice.fetch(`${app.url}/api/v2/execute`, { ...json, body: JSON.stringify(piston) });
    expect([execute.status, execute.headers.has('retry-after')]).toEqual([429, true]);
    const exec = await alice.fetch(`${app.url}/v1/exec`, { ...json, body: JSON.stringify({ lang: 'py', code: 'pass' }) });
    expect([exec.status, exec.headers.has('retry-after')]).toEqual([429, true]);
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'run_python', arguments: { code: 'pass' } } };
    expect(await (await alice.fetch(`${app.url}/mcp`, { ...json, body: JSON.stringify(call) })).text()).toContain('1 jobs a minute');
  });

  it('bound the bytes of all jobs, and have room again when one is removed', async () => {
    const { alice, bob } = await started({ stored_mb: 1 });
    const big = (): FormData => formOf({ input: { data: new Uint8Array(700 * 1024) } });
    const { job_id: id } = (await (await send(alice, big())).json()) as { job_id: string };
    const left = await app.filesLeft();
    expect(await refusal(await send(alice, big()))).toEqual({ status: 429, code: 'quota_exceeded', retryAfter: '60' });
    expect(await app.filesLeft()).toEqual(left);
    expect((await send(bob, big())).status).toBe(200);
    await alice.fetch(`${app.url}/jobs/${id}/cancel`, { method: 'POST' });
    expect((await alice.fetch(`${app.url}/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await send(alice, big())).status).toBe(200);
  });

  it('bound the bytes that are sent in a minute, on every route that takes any', async () => {
    const { alice, bob } = await started({ upload_mb_per_minute: 1 });
    const form = (): FormData => {
      const form = new FormData();
      form.append('file', new File([new Uint8Array(1.5 * 1024 ** 2)], 'in.bin'));
      return form;
    };
    expect((await alice.fetch(`${app.url}/v1/upload`, { method: 'POST', body: form() })).status).toBe(200);
    const refused = await send(alice);
    expect(refused.headers.get('ratelimit-policy')).toBe('"upload";q=1048576;w=60;qu="content-bytes"');
    expect(await refusal(refused)).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect((await alice.fetch(`${app.url}/v1/upload`, { method: 'POST', body: form() })).status).toBe(429);
    // What sends nothing is not meant.
    expect((await alice.fetch(`${app.url}/jobs`)).status).toBe(200);
    expect((await send(bob, formOf({ input: { data: new Uint8Array(1024) } }))).status).toBe(200);
  });

  it('bound files that wait for an execution of LibreChat’s, which no job has yet', async () => {
    const { alice, bob } = await started({ stored_mb: 1 });
    const upload = async (tenant: Tenant): Promise<Response> => {
      const form = new FormData();
      form.append('file', new File([new Uint8Array(1.5 * 1024 ** 2)], 'in.bin'));
      return tenant.fetch(`${app.url}/v1/upload`, { method: 'POST', body: form });
    };
    expect((await upload(alice)).status).toBe(200);
    const left = await app.filesLeft();
    const refused = await upload(alice);
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    expect(await app.filesLeft()).toEqual(left);
    expect((await upload(bob)).status).toBe(200);
  });

  it('bound the streams that are open at once, and let another be opened when one is closed', async () => {
    const { alice, bob } = await started({ max_viewers: 2 });
    const { job_id: id } = (await (await send(alice)).json()) as { job_id: string };
    const { job_id: his } = (await (await send(bob)).json()) as { job_id: string };
    const leaving = new AbortController();
    const open = (path: string, signal?: AbortSignal) => alice.fetch(`${app.url}/jobs/${id}${path}`, signal ? { signal } : {});
    const first = await open('/events', leaving.signal);
    const second = await open('/logs/stream');
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await refusal(await open('/events'))).toEqual({ status: 429, code: 'too_many_requests', retryAfter: '5' });
    const others = await bob.fetch(`${app.url}/jobs/${his}/events`);
    expect(others.status).toBe(200);
    leaving.abort();
    let status = 429;
    while (status === 429) ({ status } = await open('/events'));
    expect(status).toBe(200);
  });

  it('hold for the owner, whichever key is used', async () => {
    const { alice } = await started({ max_queued: 1 });
    await send(alice);
    const second = await tenants.add('alice');
    let response = await send(second);
    while (response.status === 401) response = await send(second);
    expect(response.status).toBe(429);
  });
});

describe('a full queue', () => {
  it('is 503 for everybody, with a time to come back', async () => {
    const { alice, bob } = await started({}, { MAX_QUEUED: '2' });
    await send(alice);
    await send(alice);
    expect(await refusal(await send(bob))).toEqual({ status: 503, code: 'queue_full', retryAfter: '5' });
    const claimed = await claim(app.store);
    await finish(app.store, claimed);
    expect((await send(bob)).status).toBe(200);
  });

  it('is the only bound on jobs where there are no keys', async () => {
    app = await startApp({ MAX_QUEUED: '3', KEY_MAX_QUEUED: '1', KEY_JOBS_PER_MINUTE: '1', KEY_STORED_MB: '1', KEY_MAX_VIEWERS: '1' });
    const ids = [await submit(app.url), await submit(app.url), await submit(app.url)];
    const full = await post(app.url);
    expect([full.status, full.headers.get('ratelimit')]).toEqual([503, null]);
    const viewers = [readStream(`${app.url}/jobs/${ids[0]}/events`), readStream(`${app.url}/jobs/${ids[0]}/events`)];
    await fetch(`${app.url}/jobs/${ids[0]}/cancel`, { method: 'POST' });
    for (const events of await Promise.all(viewers)) expect(events.at(-1)?.event).toBe('end');
  });
});
