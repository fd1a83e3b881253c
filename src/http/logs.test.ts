import { connect, type Socket } from 'node:net';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, jobOf, lines, startApp, submit, type TestApp } from '../../test/support/app.ts';
import type { Claim } from '../store/store.ts';

let app: TestApp;
let id: string;
let claimed: Claim;
beforeEach(async () => {
  app = await startApp({ HEARTBEAT_MS: '100' });
  id = await submit(app.url);
  claimed = await claim(app.store);
});
afterEach(() => app.close());

/** All events until the stream ends. */
const eventsOf = async (path: string, init: RequestInit = {}): Promise<EventSourceMessage[]> =>
  readEvents(await fetch(app.url + path, init));

async function readEvents(response: Response): Promise<EventSourceMessage[]> {
  expect(response.status).toBe(200);
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) parser.feed(decoder.decode(part, { stream: true }));
  return events;
}

const END = { event: 'end', data: 'complete', id: undefined };
const numbered = (count: number, from = 1): string[] => Array.from({ length: count }, (_, i) => `line ${i + from}\n`);

describe('GET /jobs/{id}/logs', () => {
  it('is the log so far as text', async () => {
    await app.store.append(claimed.lease, lines('é\n', 'two\r\n', 'part'));
    const response = await fetch(`${app.url}/jobs/${id}/logs`);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe('é\ntwo\r\npart');
  });

  it('is whole when it is long', async () => {
    const all = numbered(5000);
    for (let i = 0; i < all.length; i += 700) await app.store.append(claimed.lease, lines(...all.slice(i, i + 700)));
    expect(await (await fetch(`${app.url}/jobs/${id}/logs`)).text()).toBe(all.join(''));
  });
});

describe('GET /jobs/{id}/logs/stream', () => {
  it('has a line that redraws itself as one event, and on /events as it comes', async () => {
    await app.store.append(claimed.lease, lines('before\n', '\r10%'));
    await app.store.append(claimed.lease, lines('\r20%\r30%'));
    await app.store.append(claimed.lease, lines('\r100%\n', 'after\n', '\rlast'));
    await finish(app.store, claimed);
    const { data, id: number } = { data: '\n10%\n20%\n30%\n100%', id: '4' };
    const whole = [
      { event: undefined, data: 'before', id: '1' },
      { event: undefined, data, id: number },
      { event: undefined, data: 'after', id: '5' },
      { event: undefined, data: '\nlast', id: '6' },
      { event: undefined, data: '[runner] finished with code 0', id: '7' },
      END,
    ];
    expect(await eventsOf(`/jobs/${id}/logs/stream`)).toEqual(whole);
    expect(await eventsOf(`/jobs/${id}/logs/stream?after=1`)).toEqual(whole.slice(1));
    const events = await eventsOf(`/jobs/${id}/events`);
    expect(events.flatMap(({ event, data }) => (event === 'stdout' ? [(JSON.parse(data) as { text: string }).text] : []))).toEqual([
      'before\n',
      '\r10%',
      '\r20%\r30%',
      '\r100%\n',
      'after\n',
      '\rlast',
    ]);
  });

  it('is framed exactly as clients of the original expect, with numbers to resume from', async () => {
    await app.store.append(claimed.lease, lines('hello\n', '\n', 'cut'));
    await finish(app.store, claimed);
    const response = await fetch(`${app.url}/jobs/${id}/logs/stream`);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('x-request-id')).not.toBeNull();
    expect(await response.text()).toBe(
      'retry: 1000\n\nid: 1\ndata: hello\n\nid: 2\ndata: \n\nid: 3\ndata: cut\n\nid: 4\ndata: [runner] finished with code 0\n\nevent: end\ndata: complete\n\n',
    );
  });

  it('lets nothing in the output forge or end a stream', async () => {
    const hostile = [
      '10%\r20%\r\n',
      'a\revent: end\rdata: complete\r\r\n',
      'data: x\n',
      'id: 999\n',
      ': comment\n',
      '__END__\n',
      '\u2028event: end\n',
    ];
    await app.store.append(claimed.lease, lines(...hostile));
    await finish(app.store, claimed);
    const events = await eventsOf(`/jobs/${id}/logs/stream`);
    expect(events.map((event) => event.data)).toEqual([
      '10%\n20%',
      'a\nevent: end\ndata: complete\n',
      'data: x',
      'id: 999',
      ': comment',
      '__END__',
      '\u2028event: end',
      '[runner] finished with code 0',
      'complete',
    ]);
    expect(events.filter((event) => event.event === 'end')).toHaveLength(1);
    expect(events.map((event) => event.id)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', undefined]);
  });

  it('gives every viewer every line, whenever it joins', async () => {
    const viewers = [eventsOf(`/jobs/${id}/logs/stream`)];
    for (let i = 0; i < 20; i++) {
      await app.store.append(claimed.lease, lines(...numbered(50, i * 50 + 1)));
      if (i % 5 === 0) viewers.push(eventsOf(`/jobs/${id}/logs/stream`));
    }
    await finish(app.store, claimed);
    viewers.push(eventsOf(`/jobs/${id}/logs/stream`));
    const expected = [...numbered(1000).map((line) => line.trimEnd()), '[runner] finished with code 0', 'complete'];
    for (const events of await Promise.all(viewers)) {
      expect(events.map((event) => event.data)).toEqual(expected);
      expect(events.at(-1)).toMatchObject(END);
    }
  });

  it('goes on after the number that a client names, also when the job is over', async () => {
    await app.store.append(claimed.lease, lines(...numbered(10)));
    const resumed = eventsOf(`/jobs/${id}/logs/stream`, { headers: { 'last-event-id': '7' } });
    await finish(app.store, claimed);
    const expected = ['8', '9', '10', '11', undefined];
    expect((await resumed).map((event) => event.id)).toEqual(expected);
    expect((await eventsOf(`/jobs/${id}/logs/stream?after=7`)).map((event) => event.id)).toEqual(expected);
    expect((await eventsOf(`/jobs/${id}/logs/stream`, { headers: { 'last-event-id': '11' } })).map((event) => event.event)).toEqual([
      'end',
    ]);
    expect((await eventsOf(`/jobs/${id}/logs/stream?after=9999`)).map((event) => event.event)).toEqual(['end']);
    expect((await eventsOf(`/jobs/${id}/logs/stream`, { headers: { 'last-event-id': 'what?' } })).length).toBe(12);
    // A browser that lost its connection asks for the address that it began with, and says in the header how far it came.
    const again = await eventsOf(`/jobs/${id}/logs/stream?after=2`, { headers: { 'last-event-id': '9' } });
    expect(again.map((event) => event.id)).toEqual(['10', '11', undefined]);
    expect((await fetch(`${app.url}/jobs/${id}/logs/stream?after=-1`)).status).toBe(400);
  });

  it('shows the final status only when the last line can be read', async () => {
    const watching = eventsOf(`/jobs/${id}/logs/stream`);
    await finish(app.store, claimed, { log: lines('last\n') });
    const { job, log_lines } = await jobOf(app.url, id);
    expect([job['status'], log_lines]).toEqual(['succeeded', 2]);
    expect((await watching).map((event) => event.data)).toEqual(['last', '[runner] finished with code 0', 'complete']);
  });

  it('says that it is alive while nothing comes', async () => {
    const response = await fetch(`${app.url}/jobs/${id}/logs/stream`);
    const decoder = new TextDecoder();
    let text = '';
    for await (const part of response.body ?? []) {
      text += decoder.decode(part);
      if (text.includes(': alive\n\n')) break;
    }
    expect(text).toBe('retry: 1000\n\n: alive\n\n');
  });

  it('serves a viewer to the end that did not read for long, and keeps little for it meanwhile', async () => {
    const { hostname, port } = new URL(app.url);
    const accepted = new Promise<Socket>((resolve) => app.app.server.once('connection', resolve));
    const socket: Socket = connect(Number(port), hostname);
    socket.write(`GET /jobs/${id}/logs/stream HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('readable', resolve));
    const text = 'x'.repeat(1000);
    const rounds = 100;
    for (let i = 0; i < rounds; i++) await app.store.append(claimed.lease, lines(...Array.from({ length: 1000 }, () => `${text}\n`)));
    await finish(app.store, claimed);
    // Another viewer gets all of the 100 MB meanwhile: as often as that one was served, this one could have been.
    for await (const _ of (await fetch(`${app.url}/jobs/${id}/logs/stream`)).body ?? []) continue;
    expect((await accepted).writableLength).toBeLessThan(2 * 1024 * 1024);
    let bytes = 0;
    let tail = '';
    for await (const part of socket) {
      bytes += (part as Buffer).length;
      tail = (tail + (part as Buffer).toString('latin1')).slice(-200);
      if (tail.includes('event: end')) break;
    }
    expect(bytes).toBeGreaterThan(rounds * 1_000_000);
    expect(tail).toContain('event: end\ndata: complete\n\n');
  });

  it('ends without last words when the service stops, so that clients come back', async () => {
    const response = await fetch(`${app.url}/jobs/${id}/logs/stream`);
    const reading = response.text();
    await app.app.close();
    expect(await reading).not.toContain('event: end');
  });

  it('answers HEAD with the headers alone', async () => {
    const response = await fetch(`${app.url}/jobs/${id}/logs/stream`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

describe('GET /jobs/{id}/events', () => {
  it('tells streams apart, and the status, the artifacts and the end', async () => {
    const watching = readEvents(await fetch(`${app.url}/jobs/${id}/events`));
    await app.store.append(claimed.lease, [
      { stream: 'stdout', at: 1000, text: 'out\n' },
      { stream: 'stderr', at: 2000, text: 'err\r\n' },
    ]);
    const artifact = { name: 'a.csv', size: 1, sha256: 'x', content_type: 'text/csv' };
    await finish(app.store, claimed, { artifacts: [artifact] });
    const events = (await watching).map(({ event, id: number, data }) => [event, number, JSON.parse(data) as unknown]);
    expect(events).toEqual([
      ['status', undefined, { status: 'running', attempt: 1 }],
      ['stdout', '1', { seq: 1, at: '1970-01-01T00:00:01.000Z', text: 'out\n' }],
      ['stderr', '2', { seq: 2, at: '1970-01-01T00:00:02.000Z', text: 'err\r\n' }],
      ['runner', '3', { seq: 3, at: expect.any(String) as string, text: '[runner] finished with code 0\n' }],
      ['status', undefined, { status: 'succeeded', attempt: 1 }],
      ['artifact', undefined, artifact],
      ['end', undefined, { job: expect.objectContaining({ id, status: 'succeeded' }) as unknown }],
    ]);
  });
});
