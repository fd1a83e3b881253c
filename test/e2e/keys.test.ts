import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient, JobRunnerError } from '../../src/client/client.ts';
import { remoteJobs } from '../../src/mcp/remote-jobs.ts';
import { formOf } from '../support/app.ts';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { readStream, serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';
import { tenantFile, type Tenant, type TenantFile } from '../support/tenants.ts';

/** The whole service with keys, as people run it. */

describe('job-runner keys', () => {
  let folder: string;
  let file: string;
  let cli: CommandLine;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'job-runner-keys-'));
    file = join(folder, 'keys.json');
    cli = commandLine(folder, { API_KEYS_FILE: file });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('makes a key, prints it once and alone, and keeps its hash in a file for its owner only', async () => {
    const { code, stdout, stderr } = await cli.run(['keys', 'create', 'alice', '--limit', 'max_running=2', '-l', 'jobs_per_minute=60']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^jrk_[\w-]{43}\n$/)]);
    expect(stderr).toContain('the only time');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const kept = await readFile(file, 'utf8');
    expect(kept).not.toContain(stdout.trim());
    expect(JSON.parse(kept)).toMatchObject({ alice: { limits: { max_running: 2, jobs_per_minute: 60 } } });
    const listed = await cli.run(['keys', 'list']);
    expect(listed.stdout).toMatch(/alice +[0-9a-f]{12} +\d{4}-\d\d-\d\d +max_running=2 jobs_per_minute=60/);
  });

  it('revokes by id and by name, and says where there is nothing to revoke', async () => {
    const made = JSON.parse((await cli.run(['keys', 'create', 'alice', '--json'])).stdout) as { id: string };
    await cli.run(['keys', 'create', 'alice']);
    expect((await cli.run(['keys', 'revoke', made.id])).stderr).toBe(`Revoked: ${made.id}\n`);
    expect((await cli.run(['keys', 'revoke', 'alice'])).code).toBe(0);
    const none = await cli.run(['keys', 'revoke', 'alice']);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('There is no key alice')]);
    expect((await cli.run(['keys', 'list'])).stderr).toBe('There are no keys.\n');
  });

  it('refuses names, limits and files that are none, and tells what is', async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await cli.run(['keys', ...args]);
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await refused('create', 'a b')).toContain('letters, digits and ._@-');
    expect(await refused('create', 'a', '--limit', 'max_jobs=1')).toContain('max_queued');
    expect(await refused('create', 'a', '--limit', 'max_queued=-1')).toContain('whole number');
    expect(await refused('list')).toMatch(/is not there[^]*→ job-runner keys create/);
    expect(await refused('create', 'a', '--file', '/nowhere/keys.json')).toMatch(/can't be made[^]*→/);
    expect((await cli.run(['keys', 'list'], { env: { API_KEYS_FILE: '' } })).stderr).toContain('set API_KEYS_FILE');
  });
});

describe('starting with keys', () => {
  let home: ServiceHome;
  beforeEach(async () => {
    home = await serviceHome();
  });
  afterEach(() => home.close());

  it.each<[string, Record<string, string>, RegExp]>([
    ['a file that is not there', { API_KEYS_FILE: '/nowhere/keys.json' }, /\/nowhere\/keys\.json is not there[^]*→ job-runner keys create/],
    ['an address for everybody, without keys', { HOST: '0.0.0.0' }, /→ set API_KEYS_FILE .*ALLOW_ANONYMOUS=1/],
    ['keys, and no need of any', { API_KEYS_FILE: '/nowhere/keys.json', ALLOW_ANONYMOUS: '1' }, /→ unset one of them/],
    ['a secret for tokens that can be guessed', { TOKEN_SECRET: 'short' }, /TOKEN_SECRET/],
  ])('refuses %s', async (_what, variables, words) => {
    const { code, said } = await home.refuse(variables);
    expect([code, said]).toEqual([1, expect.stringMatching(words)]);
  });
});

describe('a service with keys', () => {
  let home: ServiceHome;
  let tenants: TenantFile;
  let alice: Tenant;
  let bob: Tenant;
  let service: RunningService;
  beforeAll(async () => {
    home = await serviceHome();
    tenants = await tenantFile();
    [alice, bob] = [await tenants.add('alice', { jobs_per_minute: 0, max_queued: 0 }), await tenants.add('bob')];
    service = await home.start({ API_KEYS_FILE: tenants.path, CONCURRENCY: '2' });
  });
  afterAll(async () => {
    await home?.close();
    await tenants?.remove();
  });

  it('starts the one job of an owner within two job lengths, though another has a thousand in the queue', async () => {
    const flood = async (): Promise<void> => {
      for (let count = 0; count < 125; count += 1) {
        const form = formOf({ spec: { labels: { kind: 'flood' } }, code: { 'main.py': 'import time; time.sleep(0.2)' } });
        const response = await alice.fetch(`${service.url}/jobs`, { method: 'POST', body: form });
        if (!response.ok) throw new Error(await response.text());
      }
    };
    await Promise.all(Array.from({ length: 8 }, flood));
    const sent = await bob.fetch(`${service.url}/jobs?wait=60`, { method: 'POST', body: formOf({}) });
    const { job } = (await sent.json()) as { job: { status: string; created_at: string; started_at: string } };
    expect(job.status).toBe('succeeded');
    // On each of two places one job may have been running, and one more may have begun in its stead.
    const begunBefore = [];
    for await (const each of createClient({ url: service.url, apiKey: alice.key }).listAll({ label: 'kind=flood', limit: 200 })) {
      const { started_at: at } = each;
      if (at !== null && at > job.created_at && at < job.started_at) begunBefore.push(at);
    }
    expect(begunBefore.length).toBeLessThanOrEqual(2);
    const client = createClient({ url: service.url, apiKey: alice.key });
    for await (const { id } of client.listAll({ status: 'queued', limit: 200 })) await client.cancel(id);
  });

  it('is used with a key by the command line, the TypeScript client and MCP’s', async () => {
    const cli = commandLine(home.dir, { JOB_RUNNER_URL: service.url, JOB_RUNNER_API_KEY: bob.key });
    expect((await cli.run(['run', '-c', 'print("by key")'])).stdout).toBe('by key\n');
    const without = await cli.run(['ps'], { env: { JOB_RUNNER_API_KEY: '' } });
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('→ give a key with --api-key or JOB_RUNNER_API_KEY')]);

    const client = createClient({ url: service.url, apiKey: bob.key });
    expect(await client.run({ code: 'print(1)' })).toMatchObject({ stdout: '1\n' });
    const refused = await createClient({ url: service.url, apiKey: 'jrk_wrong' })
      .list()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JobRunnerError);
    expect(refused).toMatchObject({ status: 401, code: 'unauthorized' });

    const jobs = remoteJobs(service.url, { authorization: `Bearer ${bob.key}` });
    expect(await jobs.get(await jobs.submit({}, [{ path: 'main.py', bytes: Buffer.from('print(1)') }]))).toBeDefined();
  });

  it('is used by Piston’s and LibreChat’s clients as they send their keys', async () => {
    const json = { 'content-type': 'application/json' };
    const piston = { language: 'python', version: '3', files: [{ content: 'print("piston")' }] };
    const executed = await fetch(`${service.url}/api/v2/execute`, {
      method: 'POST',
      headers: { ...json, authorization: bob.key },
      body: JSON.stringify(piston),
    });
    expect(await executed.json()).toMatchObject({ run: { stdout: 'piston\n' } });
    const exec = await fetch(`${service.url}/v1/exec`, {
      method: 'POST',
      headers: { ...json, 'x-api-key': bob.key },
      body: JSON.stringify({ lang: 'py', code: 'print("librechat")' }),
    });
    expect(await exec.json()).toMatchObject({ stdout: 'librechat\n' });
  });

  it('keeps keys and tokens good over a restart: a stream is taken up where it was', async () => {
    const sent = await bob.fetch(`${service.url}/jobs?wait=60`, {
      method: 'POST',
      body: formOf({ code: { 'main.py': 'print(1)\nprint(2)' } }),
    });
    const { job_id: id } = (await sent.json()) as { job_id: string };
    const { token } = (await (await bob.fetch(`${service.url}/jobs/${id}/token`, { method: 'POST' })).json()) as { token: string };
    await service.kill('SIGKILL');
    service = await home.start({ API_KEYS_FILE: tenants.path, CONCURRENCY: '2' });
    const events = await readStream(`${service.url}/jobs/${id}/logs/stream?token=${token}`, () => undefined, { 'last-event-id': '2' });
    expect(events.map(({ data }) => data)).toEqual(['2', '[runner] finished with code 0', 'complete']);
    expect((await alice.fetch(`${service.url}/jobs/${id}`)).status).toBe(404);
  });

  it('says so, and goes on, when the file of keys is broken under it', async () => {
    const whole = await readFile(tenants.path, 'utf8');
    await writeFile(tenants.path, '{');
    while (!service.said().includes('the file of API keys is broken')) await bob.fetch(`${service.url}/healthz`);
    expect((await bob.fetch(`${service.url}/jobs`)).status).toBe(200);
    await writeFile(tenants.path, whole);
    await tenants.revoke('bob');
    while ((await bob.fetch(`${service.url}/jobs`)).status === 200);
    expect((await alice.fetch(`${service.url}/jobs`)).status).toBe(200);
  });
});
