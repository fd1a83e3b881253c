import { Agent, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Tenant } from '../support/tenants.ts';
import type { Api } from './openapi.ts';
import type { RawShot, Shot } from './shots.ts';

/** A service under fire: sends, looks at what comes back, and cleans up after itself. */
export interface Session {
  /** Rejects with what is wrong with the answer. */
  fire(shot: Shot): Promise<void>;
  fireRaw(shot: RawShot): Promise<void>;
  /** Removes every job and upload. */
  cleanUp(): Promise<void>;
  /** How many answers there were of each status. */
  statuses: Map<number, number>;
  close(): void;
}

export interface Answer {
  status: number;
  type: string;
  headers: IncomingMessage['headers'];
  text: string;
}

/** Nothing takes longer here, so it hangs. */
const HANGING_MS = 60_000;
const AT_ONCE = 4;
/** What has no place in OpenAPI; `*` is the server itself (RFC 9110 §7.1). */
const UNDESCRIBED = /^\*|^\/(v1|api|mcp|docs|static|assets|openapi\.json|metrics|frame\.html|\/*$|\/*\?)/;

/** A few at a time: each connection that this needs stays open for a while, on both sides. */
async function eachOf(ids: readonly string[], ask: (id: string) => Promise<Response>): Promise<void> {
  for (let at = 0; at < ids.length; at += AT_ONCE) await Promise.all(ids.slice(at, at + AT_ONCE).map(ask));
}

export function startSession(url: string, api: Api, tenants: { alice: Tenant; bob: Tenant }): Session {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  /** Jobs by their id, and whose they are. */
  const jobs = new Map<string, string>();
  const uploads: { tenant: Tenant; session: string; files: string[] }[] = [];
  const statuses = new Map<number, number>();

  const keyOf = (who: Shot['who']): Record<string, string> =>
    who === 'nobody' ? {} : { authorization: `Bearer ${who === 'somebody' ? 'jrk_wrong' : tenants[who].key}` };

  const send = (shot: Shot, path: string): Promise<Answer | 'refused'> =>
    new Promise((resolve, reject) => {
      const hanging = setTimeout(() => {
        sent.destroy();
        reject(new Error('there was no answer'));
      }, HANGING_MS);
      const headers: Record<string, string | number> = {
        ...(shot.body === undefined ? {} : { 'content-type': shot.body.type, 'content-length': shot.body.bytes.length }),
        ...shot.headers,
        ...keyOf(shot.who),
      };
      if (headers['content-type'] === '') delete headers['content-type'];
      const sent = request({ hostname, port, agent, method: shot.method, path, headers }, (response) => {
        const parts: Buffer[] = [];
        const done = (): void => {
          clearTimeout(hanging);
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
          });
        };
        const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          // A job that waits has nothing more to say for now.
          if (isStream) response.destroy();
        });
        response.once('close', done);
      });
      // A service that answers before it has read all may shut the door while we send.
      sent.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(hanging);
        if (['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) resolve('refused');
        else reject(error);
      });
      sent.end(shot.body?.bytes);
    });

  const remember = (who: string, text: string): void => {
    const id = /"job_id":"([0-9a-f]{32})"/.exec(text)?.[1];
    if (id !== undefined && !jobs.has(id)) jobs.set(id, who);
  };

  function problemWith(shot: Shot, path: string, answer: Answer): string | undefined {
    const { status, headers, text, type } = answer;
    // As a proxy would be asked (RFC 9112 §3.2.2), or with what no server is sent.
    const [plain = ''] = path.replace(/^http:\/\/[^/]*/, '').split(/[?#]/, 1);
    if (status >= 500) return `${status}: ${text}`;
    if (headers['x-request-id'] === undefined) return 'it has no x-request-id';
    if (
      [401, 405, 429, 503].includes(status) &&
      headers['www-authenticate'] === undefined &&
      headers.allow === undefined &&
      headers['retry-after'] === undefined
    )
      return `${status} lacks the header that belongs to it`;
    if (/\n\s+at .*\.ts:\d+|node_modules|\/work\//.test(text) && status >= 400) return 'it tells of our insides';
    if (text.includes('root:x:0:0')) return 'it is a file of the host';
    if (status < 300) {
      if (shot.who !== 'alice' && shot.who !== 'bob' && !UNDESCRIBED.test(path) && /"job_id"|"jobs":\[\{/.test(text))
        return 'a stranger was let in';
      for (const id of text.match(/\b[0-9a-f]{32}\b/g) ?? []) {
        const owner = jobs.get(id);
        if (owner !== undefined && owner !== shot.who) return `it tells ${shot.who} of a job of ${owner}`;
      }
    }
    if (UNDESCRIBED.test(path)) return undefined;
    let decoded = plain;
    try {
      decoded = decodeURI(plain);
    } catch {
      // As it came.
    }
    return api.problemWith(shot.method, decoded, { status, type, text });
  }

  return {
    statuses,

    async fire(shot) {
      const ids = [...jobs.keys()];
      const job = ids[shot.job % Math.max(1, ids.length)] ?? '0'.repeat(32);
      const path = shot.path.replaceAll('{job}', job);
      const body = shot.body && {
        ...shot.body,
        bytes: shot.body.type.includes('json') ? Buffer.from(shot.body.bytes.toString().replaceAll('{job}', job)) : shot.body.bytes,
      };
      const answer = await send({ ...shot, body }, path);
      if (answer === 'refused') return;
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status < 300) {
        if (shot.method === 'POST' && path.startsWith('/jobs')) remember(shot.who, answer.text);
        if (path.startsWith('/v1/upload') && (shot.who === 'alice' || shot.who === 'bob')) {
          const { session_id: session, files } = JSON.parse(answer.text) as { session_id: string; files: { fileId?: string }[] };
          uploads.push({
            tenant: tenants[shot.who],
            session,
            files: files.flatMap(({ fileId }) => (fileId === undefined ? [] : [fileId])),
          });
        }
      }
      const problem = problemWith(shot, path, answer);
      if (problem !== undefined) throw new Error(`${shot.method} ${path.slice(0, 200)} as ${shot.who}: ${answer.status}, ${problem}`);
    },

    fireRaw: ({ bytes }) =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(port), hostname);
        let text = '';
        const hanging = setTimeout(() => {
          socket.destroy();
          reject(new Error(`the connection stayed open after ${JSON.stringify(bytes.toString('latin1').slice(0, 300))}`));
        }, HANGING_MS);
        socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
        socket.on('error', () => undefined);
        socket.once('close', () => {
          clearTimeout(hanging);
          const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (text !== '' && (status === 0 || status >= 500))
            reject(new Error(`${JSON.stringify(bytes.toString('latin1').slice(0, 300))} was answered ${text.slice(0, 300)}`));
          else resolve();
        });
        socket.write(bytes);
        // Half of a request and nothing more: the service's patience is tried elsewhere.
        socket.end();
      }),

    async cleanUp() {
      agent.destroy();
      for (const tenant of [tenants.alice, tenants.bob]) {
        const list = async (query: string): Promise<string[]> => {
          const { jobs: page } = (await (await tenant.fetch(`${url}/jobs?limit=200${query}`)).json()) as { jobs: { id: string }[] };
          return page.map(({ id }) => id);
        };
        for (const status of ['queued', 'running']) {
          for (;;) {
            const ids = await list(`&status=${status}`);
            if (ids.length === 0) break;
            await eachOf(ids, (id) => tenant.fetch(`${url}/jobs/${id}/cancel`, { method: 'POST' }));
          }
        }
        for (let ids = await list(''); ids.length > 0; ids = await list('')) {
          await eachOf(ids, (id) => tenant.fetch(`${url}/jobs/${id}`, { method: 'DELETE' }));
        }
      }
      for (const { tenant, session, files } of uploads)
        for (const file of files) await tenant.fetch(`${url}/v1/files/${session}/${file}`, { method: 'DELETE' });
      jobs.clear();
      uploads.length = 0;
    },

    close: () => agent.destroy(),
  };
}
