import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBucket, type Bucket } from '../../src/artifacts/s3-bucket.ts';
import { formOf, jobOf } from '../support/app.ts';
import { breakableProxy } from '../support/breakable-proxy.ts';
import { hasS3Server, s3Server, type S3Server } from '../support/s3-server.ts';
import { serviceHome, type ServiceHome } from '../support/service.ts';

const PROGRAM = `
import os, hashlib
source = os.environ["JOB_INPUT_DIR"] + "/large.bin"
data = open(source, "rb").read()
print(len(data), hashlib.sha256(data).hexdigest())
out = os.environ["JOB_OUTPUT_DIR"]
open(out + "/copy.bin", "wb").write(data)
os.mkdir(out + "/pages")
open(out + "/pages/page.html", "w").write("<h1>made</h1>")
`;

describe.skipIf(!hasS3Server)('a service whose files are in a bucket', () => {
  let server: S3Server;
  let home: ServiceHome;
  let bucket: Bucket;
  let prefix: string;
  beforeAll(async () => {
    server = await s3Server();
    const { endpoint, ...credentials } = server;
    bucket = openBucket({ bucket: 'e2e', region: 'us-east-1', endpoint, publicEndpoint: undefined, pathStyle: true, credentials });
  });
  afterAll(() => bucket?.close());
  beforeEach(async () => {
    prefix = `${randomUUID()}/`;
    home = await serviceHome();
  });
  afterEach(() => home.close());

  const variables = (more: Record<string, string> = {}): Record<string, string> => ({
    S3_ENDPOINT: server.endpoint,
    S3_BUCKET: 'e2e',
    S3_PREFIX: prefix,
    S3_CREATE_BUCKET: '1',
    S3_ACCESS_KEY_ID: server.accessKeyId,
    S3_SECRET_ACCESS_KEY: server.secretAccessKey,
    // For nothing here is to be looked for elsewhere.
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  });

  async function stored(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of bucket.list(prefix)) keys.push(key);
    return keys;
  }

  async function run(url: string): Promise<{ id: string; log: string }> {
    const input = { 'large.bin': Buffer.concat([randomBytes(2_999_998), Buffer.from([7, 7])]) };
    const response = await fetch(`${url}/jobs/sync`, { method: 'POST', body: formOf({ code: { 'main.py': PROGRAM }, input }) });
    const { job, logs } = (await response.json()) as { job: { id: string; status: string }; logs: string };
    expect({ status: job.status, logs }).toMatchObject({ status: 'succeeded' });
    return { id: job.id, log: logs };
  }

  it('runs a job, streams its files, and removes them with it', async () => {
    const service = await home.start(variables());
    const { id, log } = await run(service.url);
    expect(log).toContain('3000000 ');
    expect((await readdir(service.dataDir)).includes('files')).toBe(false);
    const artifacts = `${service.url}/jobs/${id}/artifacts`;
    const range = await fetch(`${artifacts}/copy.bin`, { headers: { range: 'bytes=2999998-' } });
    expect([range.status, range.headers.get('content-range')]).toEqual([206, 'bytes 2999998-2999999/3000000']);
    expect([...(await range.bytes())]).toEqual([7, 7]);
    const page = await fetch(`${artifacts}/pages/page.html`);
    expect([page.status, await page.text()]).toEqual([200, '<h1>made</h1>']);
    expect((await (await fetch(`${artifacts}.zip`)).bytes()).length).toBeGreaterThan(3_000_000);
    expect((await fetch(`${artifacts}/absent`)).status).toBe(404);
    expect(await stored()).toHaveLength(4);
    expect((await fetch(`${service.url}/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await stored()).toEqual([]);
    await service.kill('SIGTERM');
  });

  it('sends clients to the server itself when it is told to, with what keeps pages from running', async () => {
    const service = await home.start(variables({ S3_PRESIGNED: '1' }));
    const { id } = await run(service.url);
    const url = `${service.url}/jobs/${id}/artifacts/pages/page.html`;
    const answer = await fetch(url, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([302, 'no-store']);
    const followed = await fetch(url);
    expect(new URL(followed.url).origin).toBe(server.endpoint);
    expect(followed.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''page.html");
    expect(await followed.text()).toBe('<h1>made</h1>');
    const head = await fetch(url, { method: 'HEAD', redirect: 'manual' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '13']);
    const known = await fetch(url, { headers: { 'if-none-match': head.headers.get('etag') ?? '' }, redirect: 'manual' });
    expect(known.status).toBe(304);
    expect(service.said()).not.toContain('Signature');
    await service.kill('SIGTERM');
  });

  it.each([
    [
      'the secret is wrong',
      { S3_SECRET_ACCESS_KEY: 'hush-hush' },
      /does not accept the credentials \(SignatureDoesNotMatch\)\.\n {2}→ set S3_ACCESS/,
    ],
    [
      'there is no such bucket',
      { S3_BUCKET: 'absent', S3_CREATE_BUCKET: '0' },
      /There is no bucket absent at .*\n {2}→ make it, or set S3_CREATE_BUCKET/,
    ],
    ['nothing answers', { S3_ENDPOINT: 'http://127.0.0.1:1' }, /does not answer \(ECONNREFUSED\)\.\n {2}→ start it, or set S3_ENDPOINT/],
    ['the secret is missing', { S3_SECRET_ACCESS_KEY: '' }, /belong together/],
    ['the endpoint is no address', { S3_ENDPOINT: 'minio:9000' }, /S3_ENDPOINT: must be a URL/],
    ['the endpoint holds a password', { S3_ENDPOINT: 'http://me:hush-hush@127.0.0.1' }, /S3_ENDPOINT: must not hold credentials/],
  ])('does not start when %s, and says what mends it', async (_, wrong, words) => {
    const { code, said } = await home.refuse(variables(wrong));
    expect(said).toMatch(words);
    expect(said).not.toContain('hush-hush');
    expect(code).toBe(1);
  });

  it('answers 503 while the server is away, and goes on when it is back', async () => {
    const { hostname: host, port } = new URL(server.endpoint);
    const proxy = await breakableProxy({ host, port: Number(port) });
    const service = await home.start(variables({ S3_ENDPOINT: `http://127.0.0.1:${proxy.port}` }));
    const { id } = await run(service.url);
    await proxy.cut();

    const submitted = await fetch(`${service.url}/jobs`, { method: 'POST', body: formOf({ code: { 'main.py': 'print(1)' } }) });
    expect([submitted.status, submitted.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await submitted.json()).toMatchObject({ code: 'unavailable', detail: 'the place for files does not answer; try again' });
    const download = await fetch(`${service.url}/jobs/${id}/artifacts/copy.bin`);
    expect([download.status, download.headers.get('retry-after')]).toEqual([503, '5']);
    const ready = await fetch(`${service.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(((await ready.json()) as { parts: object[] }).parts).toContainEqual({
      name: 'artifacts',
      ok: false,
      detail: `The S3 server at http://127.0.0.1:${proxy.port} does not answer (ECONNREFUSED).`,
      remedy: expect.stringContaining('S3_ENDPOINT') as string,
    });
    expect((await jobOf(service.url, id)).job['status']).toBe('succeeded');

    await proxy.mend();
    await run(service.url);
    expect(service.said()).not.toContain(server.secretAccessKey);
    await service.kill('SIGTERM');
    await proxy.cut();
  });
});
