import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startApp, submit, type TestApp } from '../../test/support/app.ts';
import { addressKey, boundConnections } from './connections.ts';

let app: TestApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

const dial = (url: string): Socket => {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on('error', () => undefined);
};

/** Everything that comes on a connection until it is closed. */
async function said(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  await once(socket, 'close');
  return text;
}

const FORM_HEAD = [
  'POST /jobs HTTP/1.1',
  'Host: test',
  'Content-Type: multipart/form-data; boundary=x',
  'Content-Length: 100000',
  '',
  '--x\r\nContent-Disposition: form-data; name="code_files"; filename="a.py"\r\n\r\n',
].join('\r\n');

describe('requests that take too long', () => {
  it('are ended when their body stands still, and leave nothing', async () => {
    app = await startApp({ BODY_IDLE_TIMEOUT_MS: '100' });
    const socket = dial(app.url);
    socket.write(FORM_HEAD);
    const answer = await said(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request_timeout"/);
    expect(await app.filesLeft()).toEqual([]);
  });

  it('are ended where nobody reads their body, and end nothing else', async () => {
    app = await startApp({ BODY_IDLE_TIMEOUT_MS: '100' });
    const { url } = app;
    const unread = async (line: string): Promise<string> => {
      const socket = dial(url);
      socket.write(
        `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x`,
      );
      return said(socket);
    };
    const answers = await Promise.all(['GET /jobs', 'GET /no/such/route', 'PATCH /jobs', 'POST /jobs?wait=x'].map(unread));
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['200', '404', '405', '400']);
    const stream = await submit(url);
    expect(await unread(`GET /jobs/${stream}/events`)).toMatch(/^HTTP\/1\.1 200 /);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('are ended on routes that take JSON, too', async () => {
    app = await startApp({ BODY_IDLE_TIMEOUT_MS: '100' });
    const { url } = app;
    const ask = async (path: string): Promise<string> => {
      const socket = dial(url);
      socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"lang":`);
      return said(socket);
    };
    for (const answer of await Promise.all(['/v1/exec', '/api/v2/execute', '/mcp'].map(ask))) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('may take their time when the body has come: who waits for a job is no slow sender', async () => {
    app = await startApp({ BODY_IDLE_TIMEOUT_MS: '100', MAX_WAIT_SEC: '1' });
    const form = new FormData();
    form.append('spec', '{}');
    const response = await fetch(`${app.url}/jobs?wait=1`, { method: 'POST', body: form });
    expect([response.status, ((await response.json()) as { status: string }).status]).toEqual([200, 'queued']);
  });

  it('are ended when their head does not come', async () => {
    app = await startApp({ HEADERS_TIMEOUT_MS: '200' });
    const socket = dial(app.url);
    socket.write('GET /healthz HTTP/1.1\r\nX-Slow: ');
    expect(await said(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('are ended when they dribble on and on', async () => {
    app = await startApp({ REQUEST_TIMEOUT_MS: '400', HEADERS_TIMEOUT_MS: '400', BODY_IDLE_TIMEOUT_MS: '300' });
    const socket = dial(app.url);
    socket.write(FORM_HEAD);
    const dribble = setInterval(() => socket.write('a'), 20);
    await said(socket);
    clearInterval(dribble);
    // Folders that go while they are listed are there yet.
    while ((await app.filesLeft().catch(() => ['one that goes'])).length > 0) await fetch(`${app.url}/healthz`);
  });
});

describe('huge headers', () => {
  it('are 431', async () => {
    app = await startApp({ MAX_HEADER_KB: '4' });
    const ask = (size: number): Promise<Response> => fetch(`${app?.url}/healthz`, { headers: { 'x-large': 'a'.repeat(size) } });
    expect((await ask(3000)).status).toBe(200);
    const refused = await ask(5000);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([431, 'headers_too_large']);
  });

  it('are 431 without content where HEAD is asked', async () => {
    app = await startApp({ MAX_HEADER_KB: '4' });
    const refused = await fetch(`${app.url}/healthz`, { method: 'HEAD', headers: { 'x-large': 'a'.repeat(5000) } });
    expect([refused.status, await refused.text()]).toEqual([431, '']);
  });

  it('are 431 when they are many small ones', async () => {
    app = await startApp();
    const socket = dial(app.url);
    socket.write(`GET /healthz HTTP/1.1\r\n${'a:b\r\n'.repeat(10_000)}`);
    expect(await said(socket)).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('too many connections', () => {
  it('are refused in a word of HTTP, and served again when others have gone', async () => {
    app = await startApp({ MAX_CONNECTIONS: '2' });
    const held = [dial(app.url), dial(app.url)];
    for (const socket of held) {
      socket.write('GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n');
      await once(socket, 'data');
    }
    expect(await said(dial(app.url))).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 5[^]*too many connections/);
    held[0]?.destroy();
    for (;;) {
      const socket = dial(app.url);
      socket.write('GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n');
      if ((await said(socket)).startsWith('HTTP/1.1 200')) break;
    }
    held[1]?.destroy();
  });

  it('of one address leave room for other addresses; this machine’s own are not counted', async () => {
    const server = createServer((_request, response) => response.end('served'));
    boundConnections(server, { all: undefined, perAddress: 2 });
    let from = '192.0.2.1';
    server.prependListener('connection', (socket: Socket) => Object.defineProperty(socket, 'remoteAddress', { value: from }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ask = async (): Promise<{ socket: Socket; status: string }> => {
      const socket = dial(url);
      socket.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n');
      const [first] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [Buffer.from('reset')])])) as [Buffer];
      return { socket, status: first.toString().slice(9, 12) };
    };
    const held = [await ask(), await ask()];
    expect(held.map(({ status }) => status)).toEqual(['200', '200']);
    expect((await ask()).status).not.toBe('200');
    from = '192.0.2.2';
    expect((await ask()).status).toBe('200');
    from = '127.0.0.1';
    expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual(['200', '200', '200']);
    from = '192.0.2.1';
    for (const { socket } of held) socket.destroy();
    let status = '';
    while (status !== '200') ({ status } = await ask());
    server.closeAllConnections();
    server.close();
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['127.0.0.5', undefined],
    ['::ffff:127.0.0.1', undefined],
    ['::1', undefined],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe('requests that are refused while they are sent', () => {
  it('do no harm to the next job', async () => {
    app = await startApp({ BODY_IDLE_TIMEOUT_MS: '100', MAX_HEADER_KB: '4' });
    const sockets = Array.from({ length: 20 }, () => dial(app?.url ?? ''));
    for (const socket of sockets) socket.write(FORM_HEAD);
    await Promise.all(sockets.map(said));
    expect(await submit(app.url)).toMatch(/^[0-9a-f]{32}$/);
  });
});
