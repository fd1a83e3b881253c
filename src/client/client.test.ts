import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, startApp, type TestApp } from '../../test/support/app.ts';
import { createClient, JobRunnerError, type Client, type JobEvent } from './client.ts';

let app: TestApp;
let client: Client;
beforeEach(async () => {
  app = await startApp();
  client = createClient({ url: app.url });
});
afterEach(() => app.close());

const caught = async (promise: Promise<unknown>): Promise<JobRunnerError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof JobRunnerError)) throw new Error('no JobRunnerError', { cause: error });
  return error;
};

/** Plays a worker that says and leaves something. */
async function work(output: string, files: Record<string, string> = {}): Promise<void> {
  const claimed = await claim(app.store);
  await app.store.append(claimed.lease, [
    { stream: 'stdout', at: Date.now(), text: output },
    { stream: 'stderr', at: Date.now(), text: 'beware\n' },
  ]);
  const artifacts = await Promise.all(
    Object.entries(files).map(([name, content]) =>
      app.artifacts.keep(claimed.job.id, { name, size: content.length, open: () => Readable.from([Buffer.from(content)]) }),
    ),
  );
  await finish(app.store, claimed, { artifacts });
}

describe('run', () => {
  it('follows a job to its end and gives its output and files', async () => {
    const seen: string[] = [];
    const running = client.run({ code: 'print(1)', args: ['a'] }, { onEvent: (event) => void seen.push(event.type) });
    await work('hello\n', { 'a b/é#.txt': 'made' });
    const { job, stdout, stderr, artifacts } = await running;
    expect({ stdout, stderr }).toEqual({ stdout: 'hello\n', stderr: 'beware\n' });
    expect(job).toMatchObject({ status: 'succeeded', spec: { args: ['a'], split_output: true } });
    expect(artifacts.map(({ name }) => name)).toEqual(['a b/é#.txt']);
    expect(await (await client.artifact(job.id, 'a b/é#.txt')).text()).toBe('made');
    expect(seen).toEqual(expect.arrayContaining(['status', 'stdout', 'stderr', 'runner', 'artifact', 'end']));
    expect(await client.logs(job.id)).toContain('hello\nbeware\n[runner] finished');
  });

  it('cancels the job when it is aborted, and throws the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    await expect(client.run({}, { signal: abort.signal, onEvent: () => abort.abort(reason) })).rejects.toBe(reason);
    const { jobs } = await client.list();
    expect(jobs.map((job) => job.status)).toEqual(['canceled']);
  });
});

describe('files', () => {
  it('are texts, Blobs and bytes, under their paths', async () => {
    const { job_id: id } = await client.submit({
      code: { 'main.py': 'print(1)', 'pkg/mod.py': new Blob(['x = 1']) },
      input: { 'raw.bin': new Uint8Array([0, 255, 10]), 'part.bin': new Uint8Array([1, 2, 3, 4]).subarray(1, 3) },
    });
    const { codeDir, inputDir } = await app.artifacts.inputs(id);
    const read = (folder: string, name: string): Promise<string> => readFile(join(folder, name), 'latin1');
    expect(await Promise.all(['main.py', 'pkg/mod.py'].map((name) => read(codeDir, name)))).toEqual(['print(1)', 'x = 1']);
    expect(await Promise.all(['raw.bin', 'part.bin'].map((name) => read(inputDir, name)))).toEqual(['\0\u00ff\n', '\u0002\u0003']);
  });

  it('named by `entry` when the code is a text', async () => {
    const { job_id: id } = await client.submit({ code: 'print(1)', entry: 'tool.py' });
    expect((await client.get(id)).spec.entry).toBe('tool.py');
  });
});

describe('jobs', () => {
  it('can be listed in pages and all at once, filtered, canceled and deleted', async () => {
    const ids: string[] = [];
    for (const course of ['a', 'b', 'a']) ids.unshift((await client.submit({ labels: { course } })).job_id);
    expect((await client.list({ limit: 2 })).jobs.map((job) => job.id)).toEqual(ids.slice(0, 2));
    const all: string[] = [];
    for await (const job of client.listAll({ limit: 1 })) all.push(job.id);
    expect(all).toEqual(ids);
    expect((await client.list({ label: 'course=b' })).jobs.map((job) => job.id)).toEqual([ids[1]]);
    const [id = ''] = ids;
    expect((await caught(client.delete(id))).code).toBe('job_not_finished');
    expect((await client.cancel(id)).status).toBe('canceled');
    expect((await client.list({ status: 'canceled' })).jobs).toHaveLength(1);
    await client.delete(id);
    expect((await caught(client.get(id))).code).toBe('not_found');
  });

  it('have a zip of their files, and there are runtimes', async () => {
    const { job_id: id } = await client.submit({});
    await work('', { 'a.txt': 'a' });
    expect((await client.zip(id)).headers.get('content-type')).toBe('application/zip');
    expect(await client.artifacts(id)).toMatchObject([{ name: 'a.txt', size: 1 }]);
    expect(await client.runtimes()).toMatchObject([{ name: 'python3.12', default: true }]);
  });
});

describe('errors', () => {
  it('tell every mistake of a job, under a code', async () => {
    const error = await caught(client.submit({ timeout_sec: -1, args: ['\0'], runtime: 'python3.12' }));
    expect(error).toMatchObject({ code: 'invalid_spec', status: 422 });
    expect(error.errors.map(({ pointer }) => pointer)).toEqual(['/spec/args/0', '/spec/timeout_sec']);
    expect(error.requestId).toMatch(/./);
  });

  it('of an address where nobody listens', async () => {
    const error = await caught(createClient({ url: 'http://127.0.0.1:1', retryForMs: 0 }).list());
    expect(error.code).toBe('unreachable');
    expect(error.message).toMatch(/http:\/\/127\.0\.0\.1:1 can't be reached \(.+\)/);
  });

  it('of a server that is no Job Runner', async () => {
    const other = createClient({ url: `${app.url}/static/index.html` });
    expect((await caught(other.list())).code).toBe('not_found');
    const page = createClient({ url: app.url, fetch: () => fetch(`${app.url}/static/index.html`) });
    expect((await caught(page.list())).code).toBe('unexpected_answer');
  });
});

describe('a request that fails on its way', () => {
  it('is repeated, and makes one job', async () => {
    let tries = 0;
    const lossy: typeof fetch = async (...args) => {
      const response = await fetch(...args);
      // The service has taken it; its answer gets lost.
      if (++tries <= 2) throw new TypeError('the connection broke');
      return response;
    };
    const { job_id: id } = await createClient({ url: app.url, fetch: lossy }).submit({ code: 'print(1)' });
    expect(tries).toBe(3);
    expect((await client.list()).jobs.map((job) => job.id)).toEqual([id]);
  });

  it('waits as long as the service asks for', async () => {
    const askedAt: number[] = [];
    const busy: typeof fetch = async (...args) => {
      askedAt.push(performance.now());
      if (askedAt.length > 1) return fetch(...args);
      return Response.json({ code: 'unavailable', detail: 'later' }, { status: 503, headers: { 'retry-after': '1' } });
    };
    await createClient({ url: app.url, fetch: busy }).list();
    expect((askedAt[1] ?? 0) - (askedAt[0] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('is given up when that takes too long, with what the service said', async () => {
    const busy: typeof fetch = async () =>
      Response.json({ code: 'unavailable', detail: 'later' }, { status: 503, headers: { 'retry-after': '60' } });
    const error = await caught(createClient({ url: app.url, fetch: busy }).list());
    expect(error).toMatchObject({ code: 'unavailable', message: 'later', retryAfterMs: 60_000 });
  });

  it('is not waited for any longer when its signal aborts', async () => {
    const abort = new AbortController();
    const listing = createClient({ url: 'http://127.0.0.1:1' }).list({}, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(listing).rejects.toThrow('enough');
  });
});

it('sends its key and keeps the path of its address', async () => {
  const asked: { url: string; authorization: string | null }[] = [];
  const seen: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push({ url: request.url, authorization: request.headers.get('authorization') });
    return Response.json({ jobs: [], next: null });
  };
  await createClient({ url: 'https://example.org/runner', apiKey: 'k', fetch: seen }).list({ limit: 5, label: ['a', 'b=c'] });
  expect(asked).toEqual([{ url: 'https://example.org/runner/jobs?limit=5&label=a&label=b%3Dc', authorization: 'Bearer k' }]);
});

it('narrows events by their type', async () => {
  const { job_id: id } = await client.submit({});
  await work('hello\n');
  const texts: string[] = [];
  let last: JobEvent | undefined;
  for await (const event of client.events(id)) {
    if (event.type === 'stdout') texts.push(event.text);
    last = event;
  }
  expect(texts).toEqual(['hello\n']);
  expect(last?.type === 'end' && last.job.status).toBe('succeeded');
});
