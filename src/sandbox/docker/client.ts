import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Engine } from './engine.ts';

/** What the engine answered instead of what was asked for. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}

export interface Answer {
  body: unknown;
  /** The engine's clock. */
  date: number;
}

/** The Engine API by hand: few calls, and each byte of a job's output passes through here. */
export interface EngineClient {
  readonly host: string;
  /** Throws an EngineError for an answer from 400 on, and what the system says when nobody answers. */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, timeoutMs?: number): Promise<Answer>;
  /** Takes over the connection: raw bytes both ways from here on. Rejects when there is no answer within a minute. */
  upgrade(path: string): Promise<Socket>;
  /** Whether anybody takes connections and answers them. One that is shutting down still serves those that it has. */
  answers(): Promise<boolean>;
  close(): void;
}

const CALL_MS = 60_000;
const PING_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response) {
    length += (part as Buffer).length;
    if (length > MAX_ANSWER_BYTES) throw new Error('the engine’s answer is too long');
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const messageIn = (text: string): string => {
  const body = parsed(text);
  return typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : text.trim();
};

/** Podman's own API has versions of its own; this one is the oldest that it still knows. */
const LIBPOD = '/v4.0.0';

/** `prefix` is the API's version, such as `/v1.41`; empty for the engine's own. */
export function createEngineClient({ host, connection }: Engine, prefix = ''): EngineClient {
  const tls = 'tls' in connection ? connection.tls : undefined;
  const agent = tls === undefined ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true, ...tls });
  const where: RequestOptions =
    'socketPath' in connection ? { socketPath: connection.socketPath } : { host: connection.host, port: connection.port, ...tls };
  const ask = (options: RequestOptions & { path: string }): ClientRequest =>
    (tls === undefined ? httpRequest : httpsRequest)({
      ...where,
      ...options,
      path: `${options.path.startsWith('/libpod/') ? LIBPOD : prefix}${options.path}`,
    });

  return {
    host,

    async call(method, path, body, timeoutMs = CALL_MS) {
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': payload.length };
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        ask({ method, path, agent, headers, signal: AbortSignal.timeout(timeoutMs) })
          .once('response', resolve)
          .once('error', reject)
          .end(payload);
      });
      const text = await textOf(response);
      const { statusCode = 500 } = response;
      if (statusCode >= 400) throw new EngineError(statusCode, messageIn(text));
      return { body: parsed(text), date: Date.parse(response.headers.date ?? '') || Date.now() };
    },

    upgrade: (path) =>
      new Promise((resolve, reject) => {
        const headers = { connection: 'Upgrade', upgrade: 'tcp' };
        const asked = ask({ method: 'POST', path, agent: false, headers, signal: AbortSignal.timeout(CALL_MS) });
        asked.once('upgrade', (_, socket: Socket, head: Buffer) => {
          if (head.length > 0) socket.unshift(head);
          resolve(socket);
        });
        asked.once('response', (response) => {
          textOf(response).then((text) => reject(new EngineError(response.statusCode ?? 500, messageIn(text))), reject);
        });
        asked.once('error', reject).end();
      }),

    answers: () =>
      new Promise((resolve) => {
        ask({ method: 'GET', path: '/_ping', agent: false, signal: AbortSignal.timeout(PING_MS) })
          .once('response', (response) => {
            response.resume();
            resolve(response.statusCode === 200);
          })
          .once('error', () => resolve(false))
          .end();
      }),

    close: () => agent.destroy(),
  };
}
