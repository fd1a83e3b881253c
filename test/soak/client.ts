import { connect } from 'node:net';
import type { Tenant } from '../support/tenants.ts';

/** What one owner of the soak does over HTTP. */
export interface Client {
  name: string;
  /** Undefined: refused, by a bound of the owner's or as what no job may ask for. */
  submit(program: string, more?: Submission): Promise<string | undefined>;
  get(path: string): Promise<Response>;
  send(method: 'POST' | 'DELETE', path: string): Promise<Response>;
  /** A job's log as it comes, to its end. */
  follow(id: string, onText?: (text: string) => void): Promise<string>;
  /** Comes and goes after so many milliseconds each time, with the number of the last event that it has seen. Returns the lines. */
  hop(id: string, stayMs: () => number): Promise<string[]>;
  /** Connects to a job's stream and never reads. Returns how to leave. */
  stare(id: string): () => void;
}

export interface Submission {
  spec?: object;
  files?: Record<string, string>;
  inputs?: Record<string, string>;
}

const REFUSED = new Set([422, 429, 503]);

export function createClient(url: string, tenant: Tenant): Client {
  const { hostname, port } = new URL(url);
  const get = (path: string): Promise<Response> => tenant.fetch(`${url}${path}`);
  const stream = (id: string): string => `/jobs/${id}/logs/stream`;

  /** One visit of a stream; false when its end was seen. */
  async function visit(id: string, seen: { last: string; lines: string[] }, stayMs: number): Promise<boolean> {
    const leave = new AbortController();
    const timer = setTimeout(() => leave.abort(), stayMs);
    let rest = '';
    try {
      const response = await tenant.fetch(`${url}${stream(id)}`, { headers: { 'last-event-id': seen.last }, signal: leave.signal });
      const decoder = new TextDecoder();
      for await (const part of response.body ?? []) {
        const events = (rest + decoder.decode(part, { stream: true })).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) {
          if (event.startsWith('event: end')) return false;
          const line = /^data: (.*)$/m.exec(event)?.[1];
          if (line !== undefined && /^id: /m.test(event)) seen.lines.push(line);
          seen.last = /^id: (\d+)$/m.exec(event)?.[1] ?? seen.last;
        }
      }
    } catch (error) {
      if (!leave.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    return true;
  }

  return {
    name: tenant.name,
    async submit(program, { spec = {}, files = {}, inputs = {} } = {}) {
      const form = new FormData();
      form.append('spec', JSON.stringify(spec));
      const entry = (spec as { entry?: string }).entry ?? 'main.py';
      for (const [name, content] of Object.entries({ [entry]: program, ...files })) form.append('code_files', new File([content], name));
      for (const [name, content] of Object.entries(inputs)) form.append('input_files', new File([content], name));
      const response = await tenant.fetch(`${url}/jobs`, { method: 'POST', body: form });
      const text = await response.text();
      if (REFUSED.has(response.status)) return undefined;
      if (!response.ok) throw new Error(`a submission was answered with ${response.status}: ${text}`);
      return (JSON.parse(text) as { job_id: string }).job_id;
    },
    get,
    send: (method, path) => tenant.fetch(`${url}${path}`, { method }),
    async follow(id, onText) {
      const response = await get(stream(id));
      let text = '';
      const decoder = new TextDecoder();
      for await (const part of response.body ?? []) {
        text += decoder.decode(part, { stream: true });
        onText?.(text);
      }
      return text;
    },
    async hop(id, stayMs) {
      const seen = { last: '0', lines: [] as string[] };
      while (await visit(id, seen, stayMs()));
      return seen.lines;
    },
    stare(id) {
      const socket = connect(Number(port), hostname);
      socket.pause();
      socket.on('error', () => undefined);
      socket.write(`GET ${stream(id)} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer ${tenant.key}\r\n\r\n`);
      return () => socket.destroy();
    },
  };
}
