import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, startApp, submit, type TestApp } from '../../test/support/app.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

/** Larger than what a connection takes unread, and nothing that packs well. */
const LARGE = randomBytes(16 * 1024 * 1024);

async function jobWith(files: Record<string, Buffer>): Promise<string> {
  const id = await submit(app.url);
  const claimed = await claim(app.store);
  const artifacts = [];
  for (const [name, content] of Object.entries(files)) {
    artifacts.push(await app.artifacts.keep(id, { name, size: content.length, open: () => Readable.from([content]) }));
  }
  await finish(app.store, claimed, { artifacts });
  return id;
}

/** A download in the middle of its first file, which is not read any further. */
async function begin(path: string): Promise<Socket> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  for (let bytes = 0; bytes < 256 * 1024;) {
    const part = socket.read() as Buffer | null;
    if (part === null) await new Promise((resolve) => socket.once('readable', resolve));
    bytes += part?.length ?? 0;
  }
  return socket;
}

/** RFC 9112 §7.1. Where it is not, the client notices that something is missing. */
const LAST_CHUNK = '0\r\n\r\n';

/** Reads a download to where it ends or breaks off. */
async function lastBytes(download: Socket): Promise<string> {
  let tail = '';
  download.on('data', (bytes: Buffer) => (tail = (tail + bytes.toString('latin1')).slice(-LAST_CHUNK.length)));
  download.resume();
  await new Promise((resolve) => download.once('close', resolve));
  return tail;
}

/** Files of jobs that this process has open. */
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)].filter((path) => path.startsWith(join(app.config.dataDir, 'files')));
    } catch {
      // Closed between the two calls.
      return [];
    }
  });

/** Bytes that this process has read from anywhere. */
const bytesRead = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

describe('the zip of a job’s files', () => {
  it('holds every file, unchanged, and no name leads out of the folder that it is unpacked in', async () => {
    const files = {
      'deep/é日 #.txt': Buffer.from('a'),
      '..\\up': Buffer.from('b'),
      'C:\\drive': Buffer.from('c'),
      empty: Buffer.alloc(0),
      large: LARGE,
    };
    const response = await fetch(`${app.url}/jobs/${await jobWith(files)}/artifacts.zip`);
    const archive = join(app.config.dataDir, 'all.zip');
    writeFileSync(archive, Buffer.from(await response.arrayBuffer()));
    const unpacked = execFileSync(
      'python3',
      [
        '-c',
        'import sys, json, zipfile, hashlib\nz = zipfile.ZipFile(sys.argv[1])\nprint(json.dumps({n: hashlib.sha256(z.read(n)).hexdigest() for n in z.namelist()}))',
        archive,
      ],
      { encoding: 'utf8' },
    );
    const { artifacts } = (await (await fetch(response.url.replace('.zip', ''))).json()) as {
      artifacts: { name: string; sha256: string }[];
    };
    const hash = (name: string): string | undefined => artifacts.find((each) => each.name === name)?.sha256;
    expect(JSON.parse(unpacked)).toEqual({
      'deep/é日 #.txt': hash('deep/é日 #.txt'),
      '..%5Cup': hash('..\\up'),
      'C%3A%5Cdrive': hash('C:\\drive'),
      empty: hash('empty'),
      large: hash('large'),
    });
  });

  it('breaks off when the job is removed meanwhile, and the service goes on', async () => {
    const id = await jobWith({ a: LARGE, b: Buffer.from('b') });
    const download = await begin(`/jobs/${id}/artifacts.zip`);
    expect((await fetch(`${app.url}/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await lastBytes(download)).not.toBe(LAST_CHUNK);
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
  });

  it('breaks off when a file is shorter than it was', async () => {
    const id = await jobWith({ a: LARGE });
    const download = await begin(`/jobs/${id}/artifacts.zip`);
    truncateSync(join(app.config.dataDir, 'files', id, 'output/a'), 1);
    expect(await lastBytes(download)).not.toBe(LAST_CHUNK);
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
  });

  it('leaves no file open when the client goes away', async () => {
    const download = await begin(`/jobs/${await jobWith({ a: LARGE })}/artifacts.zip`);
    expect(openFiles()).toHaveLength(1);
    download.destroy();
    await expect.poll(openFiles).toEqual([]);
  });
});

describe('HEAD of a file', () => {
  it('tells its size and reads none of it', async () => {
    const path = `${app.url}/jobs/${await jobWith({ large: LARGE })}/artifacts/large`;
    const before = bytesRead();
    const head = await fetch(path, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(LARGE.length));
    // Reading the whole file now takes longer than reading it behind that answer would have taken.
    await (await fetch(path)).arrayBuffer();
    // Once from the disk, once from the connection.
    expect(bytesRead() - before).toBeLessThan(2.5 * LARGE.length);
  });
});
