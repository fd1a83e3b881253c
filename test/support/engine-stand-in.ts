import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFrame, REPORT } from '../../src/sandbox/docker/frames.ts';

/** What one container, or one call, is to do that no engine does when it is asked to. */
export interface EngineBehaviour {
  /** A container of before, as /containers/json lists it. */
  containers?: readonly { id: string; state: string; owner: string }[];
  /** Answers of errors, by "METHOD /path". */
  errors?: Readonly<Record<string, { status: number; message: string }>>;
  /** Called with what an init is told, as it comes; `say` answers for it. */
  init?: (order: string, say: (message: object) => void) => void;
}

/** Answers as a Docker engine does, as far as the driver asks, and has no containers. */
export interface EngineStandIn {
  host: string;
  /** "METHOD /path" of each call, in order. */
  calls: readonly string[];
  close(): Promise<void>;
}

const STREAM_HEAD_BYTES = 8;
const LONG_AGO = '2020-01-01T00:00:00Z';

export async function startEngineStandIn({ containers = [], errors = {}, init }: EngineBehaviour): Promise<EngineStandIn> {
  const home = await mkdtemp(join(tmpdir(), 'engine-'));
  const socketPath = join(home, 'engine.sock');
  const calls: string[] = [];
  const open = new Set<Socket>();

  const answerTo = (call: string): { status: number; body?: object } => {
    const error = errors[call];
    if (error !== undefined) return { status: error.status, body: { message: error.message } };
    const [method = '', path = ''] = call.split(' ');
    if (path === '/version') return { status: 200, body: { ApiVersion: '1.41', Arch: 'amd64', Components: [] } };
    if (path === '/info') {
      const limits = { MemoryLimit: true, SwapLimit: true, PidsLimit: true, CpuCfsQuota: true };
      return { status: 200, body: { ...limits, SecurityOptions: ['name=seccomp'], Runtimes: { runc: {} }, DefaultRuntime: 'runc' } };
    }
    if (path === '/_ping') return { status: 200 };
    if (path === '/networks') return { status: 200, body: [] };
    if (path.startsWith('/containers/json')) {
      const listed = containers.map(({ id, state, owner }) => ({
        Id: id,
        State: state,
        Created: 0,
        Labels: { 'job-runner.owner': owner },
      }));
      return { status: 200, body: listed };
    }
    if (path === '/containers/create') return { status: 201, body: { Id: 'new' } };
    if (path.endsWith('/json'))
      return { status: 200, body: { State: { Running: false, OOMKilled: false, StartedAt: LONG_AGO, FinishedAt: LONG_AGO } } };
    if (path.endsWith('/start') || path.endsWith('/wait') || method === 'DELETE') return { status: 204 };
    return { status: 404, body: { message: `no ${call}` } };
  };

  const server = createServer((request, response) => {
    const call = `${request.method} ${(request.url ?? '').replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`;
    calls.push(call);
    request.resume().once('end', () => {
      const { status, body } = answerTo(call);
      response.writeHead(status, { 'content-type': 'application/json', date: new Date().toUTCString() });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => undefined).once('close', () => open.delete(socket));
  });
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    const say = (message: object): void => {
      const frame = encodeFrame(REPORT.message, message);
      const head = Buffer.alloc(STREAM_HEAD_BYTES);
      head.writeUInt8(1, 0);
      head.writeUInt32BE(frame.length, 4);
      socket.write(Buffer.concat([head, frame]));
    };
    socket.on('error', () => undefined).on('data', (bytes: Buffer) => init?.(bytes.toString('latin1'), say));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    host: `unix://${socketPath}`,
    calls,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
      await rm(home, { recursive: true, force: true });
    },
  };
}
