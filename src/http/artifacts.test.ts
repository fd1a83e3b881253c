import { request } from 'node:http';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { parseRange } from './artifacts.ts';

let app: TestApp;
let id: string;
const CONTENT: Record<string, string> = {
  'result.csv': 'a,b\n1,2\n',
  'deep/er/é日 #?&+%.txt': 'odd name',
  'page.html': '<script>alert(1)</script>',
  'drawing.svg': '<svg onload="alert(1)"/>',
  'empty.bin': '',
};

beforeEach(async () => {
  app = await startApp();
  id = await submit(app.url);
  const claimed = await claim(app.store);
  const artifacts = [];
  for (const [name, content] of Object.entries(CONTENT).toSorted()) {
    artifacts.push(await app.artifacts.keep(id, { name, size: content.length, open: () => Readable.from([Buffer.from(content)]) }));
  }
  await finish(app.store, claimed, { artifacts });
});
afterEach(() => app.close());

const get = (name: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${app.url}/jobs/${id}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`, { headers });

/** The path as it is, which fetch would tidy up. */
const getRaw = (path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    request({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

describe('artifacts', () => {
  it('are listed with size, hash and type, and named in the job', async () => {
    const { artifacts } = (await (await fetch(`${app.url}/jobs/${id}/artifacts`)).json()) as {
      artifacts: { name: string; size: number }[];
    };
    expect(artifacts.map((each) => each.name)).toEqual(Object.keys(CONTENT).toSorted());
    expect(artifacts.find((each) => each.name === 'result.csv')).toEqual({
      name: 'result.csv',
      size: 8,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      content_type: 'text/csv',
    });
  });

  it('come byte by byte, whatever their name', async () => {
    for (const [name, content] of Object.entries(CONTENT)) {
      const response = await get(name);
      expect([name, response.status, await response.text()]).toEqual([name, 200, content]);
      expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(content)));
      expect(response.headers.get('accept-ranges')).toBe('bytes');
      expect(response.headers.get('last-modified')).not.toBeNull();
    }
    expect((await get('result.csv')).headers.get('content-type')).toBe('text/csv; charset=utf-8');
  });

  it('come in ranges', async () => {
    const part = await get('result.csv', { range: 'bytes=2-4' });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, 'b\n1', 'bytes 2-4/8']);
    expect(await (await get('result.csv', { range: 'bytes=-3' })).text()).toBe(',2\n');
    const beyond = await get('result.csv', { range: 'bytes=100-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */8']);
    expect((await get('result.csv', { range: 'bytes=2-4', 'if-range': '"other"' })).status).toBe(200);
  });

  it('are not sent again to who has them', async () => {
    const etag = (await get('result.csv')).headers.get('etag') ?? '';
    expect((await get('result.csv', { 'if-none-match': `"x", ${etag}` })).status).toBe(304);
    expect((await get('result.csv', { 'if-none-match': '"x"' })).status).toBe(200);
    const modified = (await get('result.csv')).headers.get('last-modified') ?? '';
    expect((await get('result.csv', { 'if-modified-since': modified })).status).toBe(304);
    expect((await get('result.csv', { 'if-modified-since': new Date(0).toUTCString() })).status).toBe(200);
    expect((await get('result.csv', { 'if-modified-since': modified, 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('never run in our origin', async () => {
    for (const name of ['page.html', 'drawing.svg']) {
      const { headers } = await get(name);
      expect(headers.get('content-disposition')).toMatch(/^attachment; filename\*=UTF-8''/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain('sandbox');
    }
  });

  it('are 404 when they are not there, and however somebody tries to leave the folder', async () => {
    for (const name of [
      'absent',
      '..',
      '../code/main.py',
      '%2e%2e/code/main.py',
      '..%2fcode%2fmain.py',
      '%252e%252e/code/main.py',
      'result.csv/x',
      '%00',
      'result.csv%00',
      '%ff',
    ]) {
      expect([name, await getRaw(`/jobs/${id}/artifacts/${name}`)]).toEqual([name, 404]);
    }
    expect(await getRaw(`/jobs/${id}/artifacts/../../../../etc/passwd`)).toBe(404);
  });

  it('are not there before the job is over', async () => {
    const other = await submit(app.url);
    await claim(app.store);
    await app.artifacts.keep(other, { name: 'early', size: 1, open: () => Readable.from([Buffer.from('x')]) });
    expect((await fetch(`${app.url}/jobs/${other}/artifacts/early`)).status).toBe(404);
  });

  it('come all together as a zip file', async () => {
    const response = await fetch(`${app.url}/jobs/${id}/artifacts.zip`);
    expect(response.headers.get('content-type')).toBe('application/zip');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 2).toString()).toBe('PK');
    for (const name of Object.keys(CONTENT)) expect(bytes.includes(Buffer.from(name))).toBe(true);
  });
});

describe('byte ranges', () => {
  it.each([
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=5-', { start: 5, end: 9 }],
    ['bytes=0-99', { start: 0, end: 9 }],
    ['bytes=-99', { start: 0, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    [undefined, undefined],
  ])('reads %s', (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });
});
