import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, lines, startApp, type TestApp } from '../../../test/support/app.ts';
import type { Outcome } from '../../jobs/outcome.ts';
import type { JobRecord } from '../../store/store.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp({ MAX_UPLOAD_MB: '1', MAX_UPLOAD_FILES: '5' });
});
afterEach(() => app.close());

/** Requests as LibreChat's agents and its server make them. */
const headers = { 'User-Agent': 'LibreChat/1.0', 'X-API-Key': 'of another service' };

const exec = (body: object): Promise<Response> =>
  fetch(`${app.url}/v1/exec`, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

const get = (path: string): Promise<Response> => fetch(`${app.url}/v1${path}`, { headers });
const remove = (path: string): Promise<Response> => fetch(`${app.url}/v1${path}`, { method: 'DELETE', headers });

interface Uploaded {
  message: string;
  storage_session_id: string;
  session_id: string;
  files: { fileId: string; filename: string; status?: string; error?: string }[];
}

function upload(files: Record<string, string>, path = '/upload', fields: Record<string, string> = {}): Promise<Response> {
  const form = new FormData();
  form.append('kind', 'user');
  form.append('id', '665f0c0ffee0c0ffee0c0ffe');
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const [name, content] of Object.entries(files)) form.append('file', new File([content], name));
  return fetch(`${app.url}/v1${path}`, { method: 'POST', headers: { ...headers, 'User-Id': 'u' }, body: form });
}

const uploaded = async (...args: Parameters<typeof upload>): Promise<Uploaded> => (await (await upload(...args)).json()) as Uploaded;

interface Executed {
  session_id: string;
  stdout: string;
  stderr: string;
  files: { id: string; name: string; storage_session_id: string; inherited?: true; modified_from?: object }[];
}

/** Sends an execution, plays the worker that leaves `left`, and gives both sides. */
async function played(
  body: object,
  { left = {}, outcome = { kind: 'exited', code: 0 } }: { left?: Record<string, string>; outcome?: Outcome } = {},
): Promise<{ job: JobRecord; answer: Executed; input: (name: string) => Promise<string> }> {
  const answering = exec(body);
  const claimed = await claim(app.store);
  const { id } = claimed.job;
  const { codeDir } = await app.artifacts.inputs(id);
  const kept = await Promise.all(
    Object.entries(left).map(([name, content]) =>
      app.artifacts.keep(id, { name, size: Buffer.byteLength(content), open: () => Readable.from([Buffer.from(content)]) }),
    ),
  );
  const log = [...lines('out\n'), { stream: 'stderr' as const, at: 0, text: 'err\n' }];
  await finish(app.store, claimed, { outcome, log, artifacts: kept });
  const response = await answering;
  expect(response.status).toBe(200);
  return { job: claimed.job, answer: (await response.json()) as Executed, input: (name) => readFile(join(codeDir, name), 'utf8') };
}

/** A file of an answer as the client sends it back: LibreChat adds what it knows of the owner. */
const reference = (storage_session_id: string, id: string, name: string): object => ({
  id,
  name,
  storage_session_id,
  kind: 'user',
  resource_id: '665f0c0ffee0c0ffee0c0ffe',
});

describe('POST /v1/exec', () => {
  it('runs Python in a writable folder and answers with the two outputs', async () => {
    const { job, answer, input } = await played({ lang: 'py', code: 'print("out")', args: ['a'], user_id: 'u' });
    expect(job.spec).toMatchObject({
      entry: 'main.py',
      args: ['a'],
      split_output: true,
      workspace: 'writable',
      labels: { api: 'librechat' },
    });
    expect(await input('main.py')).toBe('print("out")');
    expect(answer).toEqual({
      session_id: expect.stringMatching(/^[A-Za-z0-9_-]{21}$/) as string,
      stdout: 'out\n',
      stderr: 'err\n',
      files: [],
      code: 0,
      signal: null,
      message: null,
      status: null,
      wall_time: null,
    });
  });

  it('runs bash, which LibreChat’s agents read files with', async () => {
    const { job, input } = await played({ lang: 'bash', code: "cat '/mnt/data/a.txt'" });
    expect(job.spec.entry).toBe('.main.py');
    expect(await input('main.sh')).toBe("cat '/mnt/data/a.txt'");
  });

  it('caps the time as asked, in milliseconds', async () => {
    const { job } = await played({ lang: 'py', code: '', timeout: 1500 });
    expect(job.spec.timeout_sec).toBe(2);
    const longer = await played({ lang: 'py', code: '', timeout: 10_000_000 });
    expect(longer.job.spec.timeout_sec).toBe(600);
  });

  it('tells in stderr why a program was stopped', async () => {
    const { answer } = await played({ lang: 'py', code: '' }, { outcome: { kind: 'timeout' } });
    expect(answer.stderr).toBe('err\nTime limit exceeded (wall clock)\n');
    expect(answer).toMatchObject({ code: null, signal: 'SIGKILL', status: 'TO' });
  });

  it.each<[string, number, object]>([
    ['Unsupported language: rs', 400, { lang: 'rs', code: '' }],
    ['Unsupported language: constructor', 400, { lang: 'constructor', code: '' }],
    ['code is required as a string', 400, { lang: 'py' }],
    ['timeout must be a positive number of milliseconds', 400, { lang: 'py', code: '', timeout: -1 }],
    ['each of files needs id, storage_session_id and name', 400, { lang: 'py', code: '', files: [{ id: 'x' }] }],
    [
      'the file name has an empty, "." or ".." part',
      400,
      { lang: 'py', code: '', files: [{ id: 'x', storage_session_id: 's', name: '../x' }] },
    ],
    ['File not found: x', 404, { lang: 'py', code: '', files: [{ id: 'x', storage_session_id: '_'.repeat(21), name: 'x' }] }],
  ])('refuses with "%s"', async (error, status, body) => {
    const response = await exec(body);
    expect([response.status, await response.json()]).toEqual([status, { error, message: error }]);
  });
});

describe('files between executions', () => {
  it('names what a program left, for download and for the next execution', async () => {
    const first = await played({ lang: 'py', code: '' }, { left: { 'plots/é a.png': 'PNG' } });
    const { session_id, files } = first.answer;
    expect(files).toEqual([expect.objectContaining({ name: 'plots/é a.png', storage_session_id: session_id }) as object]);
    const [file] = files;
    const download = await get(`/download/${session_id}/${file?.id}?kind=user&id=u`);
    expect(await download.text()).toBe('PNG');
    expect(download.headers.get('content-type')).toBe('image/png');
    expect(download.headers.get('content-length')).toBe('3');

    const second = await played({ lang: 'py', code: '', files: [reference(session_id, file?.id ?? '', 'plots/é a.png')] });
    expect(await second.input('plots/é a.png')).toBe('PNG');
  });

  it('echoes an input that nobody changed, and tells where a changed one came from', async () => {
    const { storage_session_id: from, files } = await uploaded({ 'a.csv': '1', 'b.csv': '2' }, '/upload/batch');
    const [a, b] = files.map(({ fileId, filename }) => reference(from, fileId, filename));
    const { answer } = await played({ lang: 'py', code: '', files: [a, b] }, { left: { 'b.csv': '3' } });
    expect(answer.files).toEqual([
      expect.objectContaining({
        name: 'b.csv',
        storage_session_id: answer.session_id,
        modified_from: { id: files[1]?.fileId, storage_session_id: from },
      }),
      expect.objectContaining({ id: files[0]?.fileId, name: 'a.csv', storage_session_id: from, inherited: true }),
    ]);
  });

  it('keeps read-only inputs as they are for all who come later', async () => {
    const { storage_session_id: from, files } = await uploaded({ 'skill/run.py': '1' }, '/upload/batch', { read_only: 'true' });
    const input = reference(from, files[0]?.fileId ?? '', 'skill/run.py');
    const { answer } = await played({ lang: 'py', code: '', files: [input] }, { left: { 'skill/run.py': '2' } });
    expect(answer.files).toEqual([expect.objectContaining({ storage_session_id: from, inherited: true })]);
  });

  it('takes names with the folder, and the word for a session of older clients', async () => {
    const { session_id, files } = await uploaded({ 'in.txt': 'x' });
    const { input } = await played({ lang: 'py', code: '', files: [{ id: files[0]?.fileId, name: '/mnt/data/in.txt', session_id }] });
    expect(await input('in.txt')).toBe('x');
  });

  it('lets no input take the place of the program', async () => {
    const { session_id, files } = await uploaded({ 'main.py': 'other' });
    const { input, answer } = await played({ lang: 'py', code: 'own', files: [{ id: files[0]?.fileId, name: 'main.py', session_id }] });
    expect(await input('main.py')).toBe('own');
    expect(answer.files).toEqual([]);
  });
});

describe('POST /v1/upload', () => {
  it('keeps a file under ids that LibreChat takes for such', async () => {
    const response = await upload({ 'docs/é.txt': 'text' });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as Uploaded;
    expect(answer).toEqual({
      message: 'success',
      storage_session_id: expect.stringMatching(/^[A-Za-z0-9_-]{21}$/) as string,
      session_id: answer.storage_session_id,
      files: [{ fileId: expect.stringMatching(/^[A-Za-z0-9_-]{21}$/) as string, filename: 'docs/é.txt' }],
    });
    expect(await (await get(`/download/${answer.session_id}/${answer.files[0]?.fileId}`)).text()).toBe('text');
  });

  it('keeps what it can of a batch, and says what not', async () => {
    const answer = await uploaded({ 'a.txt': '1', '../b.txt': '2' }, '/upload/batch');
    expect(answer).toMatchObject({ message: 'partial_success', succeeded: 1, failed: 1 });
    expect(answer.files).toEqual([
      { status: 'success', filename: 'a.txt', fileId: expect.any(String) as string },
      { status: 'error', filename: '../b.txt', error: 'the file name has an empty, "." or ".." part' },
    ]);
  });

  it.each(['/upload', '/upload/batch'])('refuses a form without a usable file at %s, and leaves nothing', async (path) => {
    const none = await upload({}, path);
    expect([none.status, await none.json()]).toEqual([400, expect.objectContaining({ error: 'No files provided' })]);
    expect((await upload({ '../b.txt': '2' }, path)).status).toBe(400);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('refuses what is too large, or no form', async () => {
    expect((await upload({ 'a.bin': 'x'.repeat(2 * 1024 ** 2) })).status).toBe(413);
    const json = await fetch(`${app.url}/v1/upload`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    expect(json.status).toBe(415);
    expect(await app.filesLeft()).toEqual([]);
  });
});

describe('looking files up', () => {
  it('lists a session in the four ways that clients ask for', async () => {
    const { session_id: session, files } = await uploaded({ 'dir/a.csv': '123' });
    const id = files[0]?.fileId;
    const list = async (detail: string): Promise<unknown> => (await get(`/files/${session}?detail=${detail}&kind=user&id=u`)).json();
    const name = `${session}/${id}.csv`;
    const lastModified = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    expect(await list('simple')).toEqual([name]);
    expect(await list('summary')).toEqual([{ name, size: 3, lastModified, etag: id }]);
    expect(await list('full')).toEqual([
      expect.objectContaining({ name, metadata: expect.objectContaining({ 'original-filename': 'dir/a.csv' }) as object }),
    ]);
    expect(await list('normalized')).toEqual([
      expect.objectContaining({ id, name: 'dir/a.csv', storage_session_id: session, size: 3, contentType: 'text/csv' }),
    ]);
    expect(await (await get(`/files/${session}`)).json()).toEqual([name]);
  });

  it('says since when a file is there, which LibreChat asks before it sends it again', async () => {
    const { session_id, files } = await uploaded({ 'a.csv': '123' });
    const object = await get(`/sessions/${session_id}/objects/${files[0]?.fileId}?kind=user&id=u`);
    const { lastModified } = (await object.json()) as { lastModified: string };
    expect(Date.now() - Date.parse(lastModified)).toBeLessThan(60_000);
  });

  it.each(['/download/s/f', `/download/${'_'.repeat(21)}/${'a'.repeat(21)}`, `/sessions/${'A'.repeat(21)}/objects/x`])(
    'does not find %s',
    async (path) => {
      const response = await get(path);
      expect([response.status, await response.json()]).toEqual([404, { error: 'File not found', message: 'File not found' }]);
    },
  );

  it('lists nothing of a session that is not there', async () => {
    expect(await (await get(`/files/${'A'.repeat(21)}`)).json()).toEqual([]);
  });
});

describe('DELETE', () => {
  it('takes files out of a session one by one, and everything away with the last', async () => {
    const { session_id, files } = await uploaded({ 'a.txt': '1', 'b.txt': '2' }, '/upload/batch');
    const [a, b] = files.map(({ fileId }) => fileId);
    expect((await remove(`/files/${session_id}/${a}`)).status).toBe(200);
    expect((await get(`/download/${session_id}/${a}`)).status).toBe(404);
    expect(await (await get(`/download/${session_id}/${b}`)).text()).toBe('2');
    expect(await (await get(`/files/${session_id}`)).json()).toHaveLength(1);
    expect((await remove(`/sessions/${session_id}/objects/${a}`)).status).toBe(404);
    expect((await remove(`/sessions/${session_id}/objects/${b}`)).status).toBe(200);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('removes an execution’s job with its last file', async () => {
    const { job, answer } = await played({ lang: 'py', code: '' }, { left: { 'a.txt': '1' } });
    expect((await remove(`/files/${answer.session_id}/${answer.files[0]?.id}`)).status).toBe(200);
    expect(await app.store.get(job.id)).toBeUndefined();
    expect(await app.filesLeft()).toEqual([]);
  });
});

describe('the switch', () => {
  it('answers the health check', async () => {
    expect((await get('/health')).status).toBe(200);
  });

  it('is not there when it is switched off', async () => {
    const without = await startApp({ DROP_IN_LIBRECHAT: '0' });
    try {
      expect((await fetch(`${without.url}/v1/health`)).status).toBe(404);
    } finally {
      await without.close();
    }
  });
});
