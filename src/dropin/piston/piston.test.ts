import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claim, finish, lines, startApp, type TestApp } from '../../../test/support/app.ts';
import type { Outcome } from '../../jobs/outcome.ts';
import type { Claim, NewLogEntry } from '../../store/store.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp({ MAX_UPLOAD_MB: '1', MAX_TIMEOUT_SEC: '60', MAX_MEM_MB: '1024' });
});
afterEach(() => app.close());

const execute = (body: unknown, path = '/api/v2/execute', init: RequestInit = {}): Promise<Response> =>
  fetch(`${app.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), ...init });

const hello = { language: 'python', version: '3.12.1', files: [{ name: 'hello.py', content: 'print("hello")' }] };

/** Sends a request, plays the worker, and gives both sides. */
async function played(
  body: unknown,
  outcome: Outcome,
  log: NewLogEntry[] = [],
): Promise<{ job: Claim['job']; run: Record<string, unknown> }> {
  const answer = execute(body);
  const claimed = await claim(app.store);
  await finish(app.store, claimed, { outcome, log });
  const response = await answer;
  expect(response.status).toBe(200);
  return { job: claimed.job, run: ((await response.json()) as { run: Record<string, unknown> }).run };
}

describe('GET /api/v2/runtimes', () => {
  it.each(['/api/v2/runtimes', '/api/v2/piston/runtimes'])('lists languages with versions and aliases at %s', async (path) => {
    expect(await (await fetch(`${app.url}${path}`)).json()).toEqual([
      { language: 'python', version: '3.12.1', aliases: ['py', 'py3', 'python3', 'python3.12'] },
    ]);
  });
});

describe('POST /api/v2/execute', () => {
  it('makes a job with two pipes and a writable folder, whose main file is the first text', async () => {
    const { job } = await played(
      {
        language: 'py',
        version: '3.x',
        files: [
          { name: 'data.bin', content: 'AAH/', encoding: 'base64' },
          { name: 'hex.bin', content: '00ff', encoding: 'hex' },
          { content: 'print(1)' },
          { name: './pkg//mod.py', content: 'X = "é"', encoding: 'whatever' },
        ],
        args: ['--n', '1'],
        stdin: 'one line',
        run_timeout: 1500,
        run_memory_limit: 100_000_000,
        compile_timeout: 10_000,
        compile_memory_limit: -1,
      },
      { kind: 'exited', code: 0 },
    );
    expect(job.runtime).toBe('python3.12');
    expect(job.spec).toMatchObject({
      entry: 'file2.code',
      args: ['--n', '1'],
      stdin: 'one line\n',
      timeout_sec: 2,
      mem_limit_mb: 96,
      split_output: true,
      workspace: 'writable',
      env: { PISTON_LANGUAGE: 'python' },
      labels: { api: 'piston' },
    });
    const { codeDir } = await app.artifacts.inputs(job.id);
    expect(await readFile(join(codeDir, 'data.bin'))).toEqual(Buffer.from([0, 1, 255]));
    expect(await readFile(join(codeDir, 'hex.bin'))).toEqual(Buffer.from([0, 255]));
    expect(await readFile(join(codeDir, 'pkg/mod.py'), 'utf8')).toBe('X = "é"');
  });

  it('has Piston’s defaults: three seconds, and a newline to read', async () => {
    const { job } = await played(hello, { kind: 'exited', code: 0 });
    expect(job.spec).toMatchObject({ timeout_sec: 3, mem_limit_mb: 512, stdin: '\n', args: [] });
  });

  it('takes no limit on memory for as much as anybody may have', async () => {
    const { job } = await played({ ...hello, run_memory_limit: -1, compile_memory_limit: -1 }, { kind: 'exited', code: 0 });
    expect(job.spec.mem_limit_mb).toBe(1024);
  });

  it('answers with both outputs apart and together as they came, and nothing of the runner’s', async () => {
    const log: NewLogEntry[] = [...lines('a\n'), { stream: 'stderr', at: 0, text: 'b\n' }, ...lines('c')];
    const { run } = await played(hello, { kind: 'exited', code: 0 }, log);
    expect(run).toEqual({
      stdout: 'a\nc',
      stderr: 'b\n',
      output: 'a\nb\nc',
      code: 0,
      signal: null,
      message: null,
      status: null,
      cpu_time: null,
      wall_time: null,
      memory: null,
    });
  });

  it.each<[string, Outcome, object]>([
    ['an exit code', { kind: 'exited', code: 3 }, { code: 3, signal: null, status: 'RE', message: 'Exited with error status 3' }],
    [
      'a signal',
      { kind: 'signaled', signal: 'SIGSEGV', number: 11 },
      { code: null, signal: 'SIGSEGV', status: 'SG', message: 'Caught fatal signal 11' },
    ],
    ['a timeout', { kind: 'timeout' }, { code: null, signal: 'SIGKILL', status: 'TO', message: 'Time limit exceeded (wall clock)' }],
    ['too much output', { kind: 'output_limit' }, { code: null, signal: 'SIGKILL', status: 'OL', message: 'stdout length exceeded' }],
    ['too much memory', { kind: 'oom' }, { code: null, signal: 'SIGKILL', status: 'SG' }],
    ['a full disk', { kind: 'disk_limit' }, { code: null, signal: 'SIGKILL', status: 'SG' }],
  ])('tells %s by code, signal and status', async (_what, outcome, told) => {
    expect((await played(hello, outcome)).run).toMatchObject(told);
  });

  it('tells which stream had too much', async () => {
    const { run } = await played(hello, { kind: 'output_limit' }, [{ stream: 'stderr', at: 0, text: 'x'.repeat(100) }]);
    expect(run).toMatchObject({ status: 'EL', message: 'stderr length exceeded' });
  });

  it('says 500 when it was not the program’s fault', async () => {
    const answer = execute(hello);
    await finish(app.store, await claim(app.store), { outcome: { kind: 'internal' } });
    expect((await answer).status).toBe(500);
  });

  it.each<[string, object]>([
    ['language is required as a string', { ...hello, language: undefined }],
    ['version is required as a string', { ...hello, version: 3 }],
    ['files is required as an array', { ...hello, files: {} }],
    ['files[1].content is required as a string', { ...hello, files: [...hello.files, { name: 'x' }] }],
    ['files must include at least one utf8 encoded file', { ...hello, files: [{ content: 'AA==', encoding: 'base64' }] }],
    ['ruby-3.12.1 runtime is unknown', { ...hello, language: 'ruby' }],
    ['python-3.8.x runtime is unknown', { ...hello, version: '3.8.x' }],
    ['python-latest runtime is unknown', { ...hello, version: 'latest' }],
    ['If specified, run_timeout must be a number', { ...hello, run_timeout: '3' }],
    ['run_timeout must be non-negative', { ...hello, run_timeout: -1 }],
    ['run_timeout cannot exceed the configured limit of 60000', { ...hello, run_timeout: 60_001 }],
    ['If specified, compile_timeout must be a number', { ...hello, compile_timeout: 'x' }],
    ['run_memory_limit cannot exceed the configured limit of 1073741824', { ...hello, run_memory_limit: 1073741825 }],
    ['File path "../x.py" tries to escape parent directory: ../x.py', { ...hello, files: [{ name: '../x.py', content: '' }] }],
  ])('refuses with 400 and "%s"', async (message, body) => {
    const response = await execute(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message });
    expect(await app.filesLeft()).toEqual([]);
  });

  it('runs what was written for another patch release of the same series', async () => {
    const { job } = await played({ ...hello, version: '3.12.9' }, { kind: 'exited', code: 0 });
    expect(job.runtime).toBe('python3.12');
  });

  it('refuses arguments that are none, with 400', async () => {
    const response = await execute({ ...hello, args: [1] });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message: expect.stringContaining('/spec/args/0') as string });
  });

  it('wants JSON: 415 for another type, 400 for what is none, 413 for too much', async () => {
    const form = await execute(hello, undefined, { headers: { 'content-type': 'text/plain' } });
    expect([form.status, await form.json()]).toEqual([415, { message: 'requests must be of type application/json' }]);
    const broken = await execute(hello, undefined, { body: '{' });
    expect([broken.status, await broken.json()]).toEqual([400, { message: 'the body is not valid JSON' }]);
    const large = await execute({ ...hello, stdin: 'x'.repeat(1024 ** 2) });
    expect(large.status).toBe(413);
    const many = await execute({ ...hello, files: Array.from({ length: 1001 }, () => ({ content: '' })) });
    expect([many.status, await many.json()]).toEqual([413, { message: 'a request may have at most 1000 files' }]);
  });

  it('cancels the job of a client that hung up', async () => {
    const gone = new AbortController();
    const answer = execute(hello, undefined, { signal: gone.signal });
    const { canceled } = await claim(app.store);
    gone.abort();
    await expect(answer).rejects.toThrow(/abort/i);
    await expect.poll(() => canceled.aborted).toBe(true);
  });
});

describe('the rest of /api/v2', () => {
  const packages = (method: string, version: string): Promise<Response> =>
    fetch(`${app.url}/api/v2/packages`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ language: 'python', version }),
    });

  it('lists the runtimes as installed packages, and installs and removes none', async () => {
    expect(await (await fetch(`${app.url}/api/v2/packages`)).json()).toEqual([
      { language: 'python', language_version: '3.12.1', installed: true },
    ]);
    const again = await packages('POST', '3.12.x');
    expect([again.status, await again.json()]).toEqual([500, { message: 'Already installed' }]);
    const unknown = await packages('POST', '2.7.18');
    expect([unknown.status, await unknown.json()]).toEqual([404, { message: 'Requested package python-2.7.18 does not exist' }]);
    expect((await packages('DELETE', '3.12.1')).status).toBe(500);
  });

  it('says what is not found in the same form', async () => {
    const response = await fetch(`${app.url}/api/v2/connect`);
    expect([response.status, await response.json()]).toEqual([404, { message: 'Not Found' }]);
  });

  it('is not there when it is switched off', async () => {
    const without = await startApp({ DROP_IN_PISTON: '0' });
    try {
      expect((await fetch(`${without.url}/api/v2/runtimes`)).status).toBe(404);
    } finally {
      await without.close();
    }
  });
});
