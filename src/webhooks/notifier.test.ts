import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDecision, parseRange, rulesFor } from '../sandbox/egress/ranges.ts';
import { newJob, specWith, succeeded, LEASE_MS, RUNTIME } from '../store/contract/jobs-for-tests.contract.ts';
import { createSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';

import { startNotifier, usualRetryMs, type Notifier, type NotifierOptions, type WebhookResult } from './notifier.ts';
import { signedHeaders } from './sign.ts';

/** As the service has it, on a machine with no addresses of its own. */
const addressRule = (allowed: readonly string[]): ((address: string) => boolean) =>
  createDecision(
    rulesFor(
      [],
      [],
      allowed.map(parseRange).filter((range) => range !== undefined),
    ),
  );

const SECRET = Buffer.alloc(32, 7);

interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

let home: string;
let store: Store;
let received: Received[];
let answer: (response: ServerResponse) => void;
let url: string;
let closeReceiver: () => Promise<void>;
let notifier: Notifier | undefined;
const results: WebhookResult[] = [];
let onResult: () => void;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'webhooks-'));
  store = createSqliteStore({ path: join(home, 'jobs.sqlite'), sync: 'normal' });
  received = [];
  results.length = 0;
  onResult = () => undefined;
  answer = (response) => response.end();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closeReceiver = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
});
afterEach(async () => {
  await notifier?.stop();
  notifier = undefined;
  await closeReceiver();
  await store.close();
  await rm(home, { recursive: true, force: true });
});

async function finishedJob(callback: string): Promise<string> {
  const { id } = newJob();
  await store.insert(newJob({ id, spec: specWith({ callback_url: callback }), traceparent: '00-trace' }));
  const claim = await store.claim({ worker: 'test', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AbortSignal.abort() });
  if (claim === undefined) throw new Error('there is no job to claim');
  await store.finish(claim.lease, succeeded());
  return id;
}

function start(more: Partial<NotifierOptions> = {}): void {
  notifier = startNotifier({
    store,
    secrets: [SECRET],
    isAllowed: addressRule(['127.0.0.1']),
    retryMs: () => 0,
    timeoutMs: 20_000,
    version: '1.2.3',
    logger: pino({ level: 'silent' }),
    events: {
      tried(result) {
        results.push(result);
        onResult();
      },
    },
    ...more,
  });
}

/** Resolves when so many tries have come to something. */
const tries = (count: number): Promise<void> =>
  new Promise((resolve) => {
    onResult = () => {
      if (results.length >= count) resolve();
    };
    onResult();
  });

const nothingIsLeft = async (): Promise<void> => expect(await store.takeNotices({ limit: 10, leaseMs: 0 })).toEqual([]);

describe('webhooks', () => {
  it('post the finished job, signed', async () => {
    const id = await finishedJob(`${url}/done?x=1`);
    start();
    await tries(1);
    const [message] = received;
    expect(message).toMatchObject({ method: 'POST', url: '/done?x=1' });
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      type: 'job.finished',
      data: { job: { id, status: 'succeeded', exit_code: 0 }, log_lines: 0 },
    });
    const headers = message?.headers ?? {};
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'job-runner/1.2.3', traceparent: '00-trace' });
    const sentAt = Number(headers['webhook-timestamp']) * 1000;
    expect(Date.now() - sentAt).toBeLessThan(60_000);
    expect(headers).toMatchObject(signedHeaders([SECRET], id, message?.body ?? '', sentAt));
    expect(results).toEqual(['delivered']);
    await nothingIsLeft();
  });

  it('go to a name whose addresses are allowed', async () => {
    await finishedJob(url.replace('127.0.0.1', 'localhost'));
    start({ isAllowed: addressRule(['127.0.0.1', '::1']) });
    await tries(1);
    expect(results).toEqual(['delivered']);
  });

  it('are tried again until they arrive, under the same id', async () => {
    let status = 500;
    answer = (response) => {
      response.writeHead(status).end();
      status = received.length < 2 ? 503 : 204;
    };
    const id = await finishedJob(url);
    start();
    await tries(3);
    expect(results).toEqual(['put_off', 'put_off', 'delivered']);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
    await nothingIsLeft();
  });

  it('are given up after so many tries, or when the receiver wants none', async () => {
    answer = (response) => response.writeHead(500).end();
    await finishedJob(url);
    start({ retryMs: (tried) => (tried < 3 ? 0 : undefined) });
    await tries(3);
    expect(results).toEqual(['put_off', 'put_off', 'given_up']);
    answer = (response) => response.writeHead(410).end();
    await finishedJob(url);
    notifier?.wake();
    await tries(4);
    expect(results.at(-1)).toBe('given_up');
    await nothingIsLeft();
  });

  it('follow no redirect', async () => {
    answer = (response) => response.writeHead(307, { location: `${url}/elsewhere` }).end();
    await finishedJob(url);
    start({ retryMs: () => undefined });
    await tries(1);
    expect(results).toEqual(['given_up']);
    expect(received.map((each) => each.url)).toEqual(['/']);
  });

  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'connect to nothing under the address %s, where that is not allowed',
    async (host) => {
      await finishedJob(url.replace('127.0.0.1', host));
      start({ isAllowed: addressRule([]) });
      await tries(1);
      expect(results).toEqual(['given_up']);
      expect(received).toEqual([]);
    },
  );

  it('read no more of an answer than there is use for', async () => {
    const over = new Promise<void>((resolve) => {
      answer = (response) => {
        response.writeHead(200).on('close', resolve);
        const flood = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(16 * 1024)));
        };
        response.on('drain', flood);
        flood();
      };
    });
    await finishedJob(url);
    start();
    await over;
    await tries(1);
    expect(results).toEqual(['delivered']);
  });

  it('do not wait for ever, nor keep others waiting', async () => {
    answer = (response) => {
      if (received.at(-1)?.url !== '/hangs') response.end();
    };
    await finishedJob(`${url}/hangs`);
    await finishedJob(`${url}/answers`);
    start({ timeoutMs: 500, retryMs: () => undefined });
    await tries(2);
    expect(results).toEqual(['delivered', 'given_up']);
  });

  it('that were under way when the service stopped come again with the next one, at once', async () => {
    const asked = new Promise<void>((resolve) => (answer = () => resolve()));
    const id = await finishedJob(url);
    start();
    await asked;
    await notifier?.stop();
    answer = (response) => response.end();
    start();
    await tries(1);
    expect(results).toEqual(['delivered']);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([id, id]);
  });

  it('come less and less often, and not for ever', () => {
    const waits = [];
    for (let count = 1; ; count += 1) {
      const ms = usualRetryMs(count);
      if (ms === undefined) break;
      expect(ms).toBe(Math.round(ms));
      waits.push(ms);
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(24 * 3_600_000);
  });
});
