import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, formOf, jobOf, lines, post, startApp, submit, type TestApp } from '../../test/support/app.ts';
import type { Problem } from '../api/problem.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp({ MAX_UPLOAD_MB: '1', MAX_UPLOAD_FILES: '5', MAX_SPEC_KB: '16' });
});
afterEach(() => app.close());

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Problem;
}

/** What a raw request is answered, headers included. */
const raw = (text: string | Buffer, end = true): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (part) => (answer += part.toString('latin1')));
    socket.on('close', () => resolve(answer)).on('error', reject);
    socket.write(text);
    if (end) socket.end();
  });

const part = (name: string, content: string, filename?: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n${content}\r\n`;

const rawForm = (body: string, headers = ''): Promise<string> =>
  raw(
    `POST /jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`,
    false,
  );

describe('POST /jobs', () => {
  it('accepts a job and answers with its id and status', async () => {
    const response = await post(app.url);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ job_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string, status: 'queued' });
  });

  it('fills in the defaults, coerces what the original coerced, and ignores unknown fields', async () => {
    const id = await submit(app.url, { spec: { timeout_sec: '20', cpu_limit: '0.5', mem_limit_mb: 64.0, pids_limit: '7', unknown: 1 } });
    const { job } = await jobOf(app.url, id);
    expect(job).toMatchObject({
      id,
      status: 'queued',
      started_at: null,
      finished_at: null,
      exit_code: null,
      error: null,
      artifacts: [],
      signal: null,
      cause: null,
      usage: null,
      attempt: 0,
      labels: {},
      log_truncated: false,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      spec: {
        runtime: 'python3.12',
        entry: 'main.py',
        args: [],
        timeout_sec: 20,
        cpu_limit: 0.5,
        mem_limit_mb: 64,
        pids_limit: 7,
        net_policy: 'none',
        env: {},
        stdin: '',
        disk_limit_mb: 256,
        output_limit_mb: 64,
        labels: {},
        split_output: false,
        workspace: 'read_only',
      },
    });
    expect(job['spec']).not.toHaveProperty('unknown');
  });

  it('keeps the folders of uploaded names, and takes the parts in any order', async () => {
    const form = new FormData();
    form.append('input_files', new File(['a'], 'data/x/in.csv'));
    form.append('code_files', new File(['b'], 'pkg/mod é.py'));
    form.append('spec', '{}');
    const { job_id } = (await (await fetch(`${app.url}/jobs`, { method: 'POST', body: form })).json()) as { job_id: string };
    const inputs = await app.artifacts.inputs(job_id);
    const { readFile } = await import('node:fs/promises');
    expect(await readFile(`${inputs.inputDir}/data/x/in.csv`, 'utf8')).toBe('a');
    expect(await readFile(`${inputs.codeDir}/pkg/mod é.py`, 'utf8')).toBe('b');
  });

  it('ignores unknown parts and empty file inputs', async () => {
    const body = `${part('spec', '{}')}${part('code_files', '', '')}${part('other', 'x')}${part('stuff', 'x', 'file.bin')}--B--\r\n`;
    expect(await rawForm(body)).toContain('HTTP/1.1 200');
  });

  it('tells all that is wrong with a spec at once, each with a pointer', async () => {
    const response = await post(app.url, {
      spec: {
        entry: '../x.py',
        args: ['ok', 'a\0b', 3],
        timeout_sec: 601,
        cpu_limit: 'NaN',
        mem_limit_mb: 32,
        pids_limit: 1.5,
        env: { 'A-B': 'x', C: 'a\0' },
        workspace: null,
      },
    });
    expect(response.status).toBe(422);
    const { code, errors } = await problem(response);
    expect(code).toBe('invalid_spec');
    expect(errors?.map((error) => error.pointer).toSorted()).toEqual([
      '/spec/args/1',
      '/spec/args/2',
      '/spec/cpu_limit',
      '/spec/entry',
      '/spec/env/A-B',
      '/spec/env/C',
      '/spec/mem_limit_mb',
      '/spec/pids_limit',
      '/spec/timeout_sec',
      '/spec/workspace',
    ]);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('refuses halves of characters, which no program could be told', async () => {
    const response = await post(app.url, { spec: String.raw`{"args":["\ud800"],"env":{"A":"\udc00b"},"stdin":"c\ud83d"}` });
    expect(response.status).toBe(422);
    const { errors } = await problem(response);
    expect(errors?.map(({ pointer }) => pointer).toSorted()).toEqual(['/spec/args/0', '/spec/env/A', '/spec/stdin']);
  });

  it('lists a hundred problems of very many', async () => {
    const response = await post(app.url, { spec: `{"args":[${Array(5000).fill('1').join()}]}` });
    const { detail, errors } = await problem(response);
    expect([response.status, detail, errors?.length]).toEqual([422, '5000 problems, the first 100 of which are listed', 100]);
  });

  it.each([
    ['is missing', undefined],
    ['is not valid JSON', '{"timeout_sec": NaN}'],
    ['is not valid JSON', 'entry=main.py'],
    ['is not a JSON object', '[]'],
    ['is not a JSON object', 'null'],
  ])('says that a spec %s', async (detail, text) => {
    const form = new FormData();
    if (text !== undefined) form.append('spec', text);
    form.append('code_files', new File(['x'], 'main.py'));
    const response = await fetch(`${app.url}/jobs`, { method: 'POST', body: form });
    expect(response.status).toBe(422);
    expect((await problem(response)).errors).toEqual([{ pointer: '/spec', detail }]);
    expect(await app.filesLeft()).toEqual([]);
  });

  it.each(['1e999', '-1', '0', '"Infinity"', '"0x10"', 'true', '[]', 'null', '""'])('refuses %s as a number', async (value) => {
    for (const field of ['timeout_sec', 'cpu_limit', 'mem_limit_mb', 'pids_limit']) {
      expect((await post(app.url, { spec: `{"${field}": ${value}}` })).status).toBe(422);
    }
  });

  it.each(['', '/etc/passwd', '../main.py', 'a/../../b.py', 'a//b.py', './main.py', `${'x'.repeat(300)}.py`, 'a\0b'])(
    'refuses %j as an entry',
    async (entry) => {
      expect((await post(app.url, { spec: { entry } })).status).toBe(422);
    },
  );

  it('lists what there is when the runtime is not', async () => {
    const response = await post(app.url, { spec: { runtime: 'python2.7' } });
    expect(response.status).toBe(422);
    expect(await problem(response)).toMatchObject({ code: 'unknown_runtime', detail: expect.stringContaining('python3.12') as string });
    expect(await app.filesLeft()).toEqual([]);
  });

  it('refuses networks where the operator has switched them off', async () => {
    const without = await startApp({ NET_OUTBOUND: '0' });
    for (const net_policy of ['outbound', { allow: [] }]) {
      const response = await post(without.url, { spec: { net_policy } });
      expect(response.status).toBe(422);
      expect(await problem(response)).toMatchObject({ code: 'net_policy_unavailable', errors: [{ pointer: '/spec/net_policy' }] });
    }
    expect((await post(without.url, { spec: { net_policy: 'none' } })).status).toBe(200);
    await without.close();
  });

  it('takes an allow-list as it was sent', async () => {
    const net_policy = { allow: ['api.example.org', '*.Example.com:443', '192.0.2.7:8080', '[2001:db8::7]:53'] };
    const { job } = await jobOf(app.url, await submit(app.url, { spec: { net_policy } }));
    expect(job['spec']).toMatchObject({ net_policy });
  });

  it('refuses a callback where nothing is told, and one that is no web address', async () => {
    for (const callback_url of ['https://example.org/done', 'ftp://example.org', 'https://user:pass@example.org', 'nonsense']) {
      const response = await post(app.url, { spec: { callback_url } });
      expect(await problem(response)).toMatchObject({ status: 422, code: 'invalid_spec', errors: [{ pointer: '/spec/callback_url' }] });
    }
  });

  it.each(['..', '.', '../evil.py', '/etc/cron.d/x', 'a/../b', `${'n'.repeat(256)}`, 'a//b', 'nul\0l'])(
    'refuses the file name %j and leaves nothing',
    async (name) => {
      const body = `${part('spec', '{}')}${part('code_files', 'x', name)}--B--\r\n`;
      const answer = await rawForm(body);
      expect(answer).toContain('HTTP/1.1 422');
      expect(answer).toContain('/code_files/0');
      expect(await app.filesLeft()).toEqual([]);
    },
  );

  it('refuses the same path twice, also as a file and a folder', async () => {
    for (const names of [
      ['a', 'a'],
      ['a', 'a/b'],
      ['a/b', 'a'],
    ]) {
      const form = new FormData();
      form.append('spec', '{}');
      for (const name of names) form.append('code_files', new File(['x'], name));
      const response = await fetch(`${app.url}/jobs`, { method: 'POST', body: form });
      expect(response.status).toBe(422);
      expect((await problem(response)).errors?.[0]?.pointer).toBe('/code_files/1');
    }
    expect(await app.filesLeft()).toEqual([]);
  });

  it('refuses a truncated form, wherever it ends, and leaves nothing', async () => {
    const body = `${part('spec', '{}')}${part('code_files', 'print(1)'.repeat(100), 'main.py')}--B--\r\n`;
    for (const length of [10, 60, 80, 200, body.length - 30, body.length - 8]) {
      expect(await rawForm(body.slice(0, length))).toContain('HTTP/1.1 400');
    }
    expect(await app.filesLeft()).toEqual([]);
  });

  it('leaves nothing of an upload whose client went away', async () => {
    const begun = raw(
      `POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 100000\r\n\r\n${part('spec', '{}')}${part('code_files', 'x', 'main.py')}`,
    );
    await begun.catch(() => undefined);
    await expect.poll(() => app.filesLeft()).toEqual([]);
    expect((await app.store.stats()).queued).toBe(0);
  });

  it('refuses what is no multipart form', async () => {
    for (const [type, status] of [
      ['application/json', 415],
      ['text/plain', 415],
      ['multipart/mixed; boundary=B', 415],
      ['multipart/form-data', 400],
    ] as const) {
      const response = await fetch(`${app.url}/jobs`, { method: 'POST', body: '{}', headers: { 'content-type': type } });
      expect(response.status).toBe(status);
      await problem(response);
    }
    expect((await fetch(`${app.url}/jobs`, { method: 'POST' })).status).toBe(415);
  });

  it('does not invite a body that says it is too large', async () => {
    const big = await new Promise<number | undefined>((resolve, reject) => {
      const client = request(`${app.url}/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=B', 'content-length': 2 * 1024 ** 3, expect: '100-continue' },
      });
      client.on('continue', () => reject(new Error('it was invited to send')));
      client.on('response', (response) => {
        resolve(response.statusCode);
        client.destroy();
      });
      client.on('error', reject);
      client.flushHeaders();
    });
    expect(big).toBe(413);
    expect(await app.filesLeft()).toEqual([]);
  });

  it.each(['content-length', 'chunked'])(
    'tells a client that reads only when it has sent all that it was too much (%s)',
    async (framing) => {
      const content = `${part('spec', '{}')}${part('code_files', 'x'.repeat(32 * 1024 * 1024), 'main.py')}--B--\r\n`;
      const body = framing === 'chunked' ? `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n` : content;
      const length = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${content.length}`;
      const { hostname, port } = new URL(app.url);
      const socket = connect(Number(port), hostname);
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject);
        socket.write(`POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n${length}\r\n\r\n${body}`, () =>
          resolve(),
        );
      });
      let answer = '';
      for await (const bytes of socket) answer += (bytes as Buffer).toString('latin1');
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('"code":"payload_too_large"');
      expect(await app.filesLeft()).toEqual([]);
    },
  );

  it.each(['boundary=', 'boundary=""', `boundary=${'x'.repeat(300)}`, 'other=boundary=B'])('refuses a form with %j', async (parameter) => {
    const headers = { 'content-type': `multipart/form-data; ${parameter}` };
    expect((await fetch(`${app.url}/jobs`, { method: 'POST', body: '--B--\r\n', headers })).status).toBe(400);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('says that a text is no file', async () => {
    const body = `${part('spec', '{}')}${part('input_files', 'x', 'in.csv')}${part('input_files', 'a,b')}--B--\r\n`;
    const answer = await rawForm(body);
    expect(answer).toContain('HTTP/1.1 422');
    expect(answer).toContain('/input_files/1');
  });

  it('bounds the number of files and the size of the spec', async () => {
    const many = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`f${i}`, 'x']));
    expect((await post(app.url, { code: many })).status).toBe(413);
    expect((await post(app.url, { spec: { stdin: 'x'.repeat(20_000) } })).status).toBe(413);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('takes unknown fields of any depth', async () => {
    const spec = `{"later":${'['.repeat(5000)}${']'.repeat(5000)}}`;
    expect((await post(app.url, { spec }, { headers: { 'idempotency-key': 'deep' } })).status).toBe(200);
  });

  it('gives the same job for the same Idempotency-Key, and 409 when the request is another', async () => {
    const headers = { 'idempotency-key': 'k-1' };
    const first = (await (await post(app.url, { spec: { args: ['a'], entry: 'main.py' } }, { headers })).json()) as { job_id: string };
    const again = await post(app.url, { spec: { entry: 'main.py', args: ['a'] } }, { headers });
    expect(((await again.json()) as { job_id: string }).job_id).toBe(first.job_id);
    const files = await app.filesLeft();
    const other = await post(app.url, { spec: { args: ['b'] } }, { headers });
    expect(other.status).toBe(409);
    expect((await problem(other)).code).toBe('idempotency_conflict');
    expect((await post(app.url, { code: { 'main.py': 'print(2)' } }, { headers })).status).toBe(409);
    expect(await app.filesLeft()).toEqual(files);
    expect((await post(app.url, {}, { headers: { 'idempotency-key': '' } })).status).toBe(400);
  });

  it('waits for the end when asked to, by query or by Prefer', async () => {
    const play = (async () => {
      const claimed = await claim(app.store);
      await app.store.append(claimed.lease, lines('one\n', 'two\n'));
      await finish(app.store, claimed);
    })();
    const response = await fetch(`${app.url}/jobs?wait=30`, { method: 'POST', body: formOf({}) });
    await play;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'succeeded',
      job: { status: 'succeeded' },
      logs: 'one\ntwo\n[runner] finished with code 0\n',
      artifacts: [],
    });
    const short = await post(app.url, {}, { headers: { prefer: 'respond-async, wait=0' } });
    expect(await short.json()).toMatchObject({ status: 'queued', job: { status: 'queued' }, logs: '' });
    const negative = await fetch(`${app.url}/jobs?wait=-1`, { method: 'POST', body: formOf({}) });
    expect(await negative.json()).toMatchObject({ job: { status: 'queued' } });
    expect((await fetch(`${app.url}/jobs?wait=soon`, { method: 'POST', body: formOf({}) })).status).toBe(400);
  });

  it('tells who waits how the job stands when the service stops', async () => {
    const waiting = fetch(`${app.url}/jobs/sync`, { method: 'POST', body: formOf({}) });
    await claim(app.store);
    await app.app.close();
    const response = await waiting;
    expect([response.status, await response.json()]).toMatchObject([200, { job: { status: 'running' }, logs: '', artifacts: [] }]);
  });

  it('answers POST /jobs/sync with the finished job', async () => {
    const play = (async () => finish(app.store, await claim(app.store)))();
    const response = await fetch(`${app.url}/jobs/sync`, { method: 'POST', body: formOf({}) });
    await play;
    expect(await response.json()).toMatchObject({ job: { status: 'succeeded' }, logs: '[runner] finished with code 0\n', artifacts: [] });
  });
});

describe('other routes of jobs', () => {
  it('answers 404 in the original’s words for ids that are not there or no ids', async () => {
    for (const id of ['0'.repeat(32), 'nonsense', '..%2f..%2fetc', "'; drop table jobs", 'A'.repeat(500)]) {
      for (const path of ['', '/logs', '/logs/stream', '/events', '/artifacts', '/artifacts/x', '/artifacts.zip']) {
        const response = await fetch(`${app.url}/jobs/${id}${path}`);
        expect([id, path, response.status]).toEqual([id, path, 404]);
        expect((await problem(response)).detail).toBe('job not found');
      }
    }
  });

  it('ignores a trailing slash, answers HEAD, and names the allowed methods', async () => {
    const id = await submit(app.url);
    expect((await fetch(`${app.url}/jobs/${id}/`)).status).toBe(200);
    const head = await fetch(`${app.url}/jobs/${id}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    const wrong = await fetch(`${app.url}/jobs/${id}`, { method: 'PUT', body: 'x' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('DELETE, GET, HEAD');
    const unknown = await fetch(`${app.url}/nowhere`);
    expect(unknown.status).toBe(404);
    expect((await problem(unknown)).detail).toBe('Not Found');
    expect((await fetch(`${app.url}/jobs/%zz`)).status).toBe(404);
  });

  it('answers what is no HTTP with a problem, too', async () => {
    for (const [text, status] of [
      ['what?\r\n\r\n', '400 Bad Request'],
      [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
    ] as const) {
      const answer = await raw(text, false);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\nx-request-id: [0-9a-f-]{36}\r\ncontent-type: application/problem\\+json`));
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
        status: Number(status.slice(0, 3)),
        title: status.slice(4) === 'Bad Request' ? 'Bad request' : 'Request header fields too large',
      });
    }
  });

  it('carries a request id on every answer, the client’s where it is a sane one', async () => {
    expect((await fetch(`${app.url}/healthz`)).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect((await fetch(`${app.url}/nowhere`, { headers: { 'x-request-id': 'mine-1' } })).headers.get('x-request-id')).toBe('mine-1');
    expect((await fetch(`${app.url}/healthz`, { headers: { 'x-request-id': 'a b' } })).headers.get('x-request-id')).not.toBe('a b');
  });

  it('lists jobs newest first, by status and label, page by page', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift(await submit(app.url, { spec: { labels: { course: i % 2 === 0 ? 'a' : 'b', n: String(i) } } }));
    const list = async (query: string): Promise<{ jobs: { id: string }[]; next: string | null }> =>
      (await (await fetch(`${app.url}/jobs?${query}`)).json()) as { jobs: { id: string }[]; next: string | null };
    expect((await list('')).jobs.map((job) => job.id)).toEqual(ids);
    const first = await list('limit=3');
    expect(first.jobs.map((job) => job.id)).toEqual(ids.slice(0, 3));
    const second = await list(`limit=3&cursor=${first.next}`);
    expect([second.jobs.map((job) => job.id), second.next]).toEqual([ids.slice(3), null]);
    expect((await list('label=course%3Db')).jobs).toHaveLength(2);
    expect((await list('label=course%3Da&label=n%3D2')).jobs.map((job) => job.id)).toEqual([ids[2]]);
    expect((await list('label=course')).jobs).toHaveLength(5);
    expect((await list('status=running')).jobs).toEqual([]);
    expect((await fetch(`${app.url}/jobs?status=odd&limit=0`)).status).toBe(400);
  });

  it('cancels a queued job at once, as often as asked', async () => {
    const id = await submit(app.url);
    for (let i = 0; i < 2; i++) {
      const response = await fetch(`${app.url}/jobs/${id}/cancel`, { method: 'POST' });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ job: { status: 'canceled', cause: 'canceled', error: 'canceled', exit_code: null } });
    }
  });

  it('asks the worker to cancel a running job', async () => {
    const id = await submit(app.url);
    const claimed = await claim(app.store);
    const response = await fetch(`${app.url}/jobs/${id}/cancel`, { method: 'POST' });
    expect(await response.json()).toMatchObject({ job: { status: 'running' } });
    expect(claimed.canceled.aborted).toBe(true);
  });

  it('removes a finished job with its files, and no other', async () => {
    const id = await submit(app.url);
    const claimed = await claim(app.store);
    const early = await fetch(`${app.url}/jobs/${id}`, { method: 'DELETE' });
    expect(early.status).toBe(409);
    expect((await problem(early)).code).toBe('job_not_finished');
    await finish(app.store, claimed);
    expect((await fetch(`${app.url}/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(`${app.url}/jobs/${id}`)).status).toBe(404);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('answers 500 without a word about its insides when something of ours breaks', async () => {
    await app.store.close();
    const response = await fetch(`${app.url}/jobs`);
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(JSON.stringify(await problem(response))).not.toMatch(/sqlite|\.ts|node_modules|at /i);
  });
});
