import { array, assert, asyncProperty, integer } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { createClient, type JobEvent } from './client.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

/** A way to the service on which connections break after so many bytes, one after the other; then it holds. */
function breaking(afterBytes: number[]): typeof fetch {
  const left = [...afterBytes];
  return async (...args) => {
    const response = await fetch(...args);
    let bytes = left.shift();
    if (bytes === undefined || response.body === null) return response;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, bytes));
        bytes = (bytes ?? 0) - chunk.length;
        if (bytes <= 0) controller.error(new TypeError('cut'));
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
}

async function eventsOf(fetchNow: typeof fetch, id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  const client = createClient({ url: app.url, fetch: fetchNow });
  for await (const event of client.events(id)) events.push(event);
  return events;
}

/** Reconnecting waits; a test of many breaks can't. */
const withoutWaiting = async <T>(work: () => Promise<T>): Promise<T> => {
  const { setTimeout: real } = globalThis;
  globalThis.setTimeout = ((run: () => void, ms: number) => real(run, ms < 20_000 ? 0 : ms)) as typeof setTimeout;
  try {
    return await work();
  } finally {
    globalThis.setTimeout = real;
  }
};

async function finishedJob(): Promise<string> {
  const id = await submit(app.url);
  const claimed = await claim(app.store);
  await app.store.append(
    claimed.lease,
    Array.from({ length: 20 }, (_, i) => ({ stream: i % 3 === 0 ? ('stderr' as const) : ('stdout' as const), at: 0, text: `é${i}\r\n` })),
  );
  await finish(app.store, claimed);
  return id;
}

describe('events', () => {
  it('come each once and in order wherever connections break', async () => {
    const id = await finishedJob();
    const whole = await eventsOf(fetch, id);
    expect(whole.filter((event) => 'seq' in event)).toHaveLength(21);
    await withoutWaiting(() =>
      assert(
        asyncProperty(array(integer({ min: 1, max: 2500 }), { maxLength: 6 }), async (cuts) => {
          expect(await eventsOf(breaking(cuts), id)).toEqual(whole);
        }),
        { numRuns: 60 },
      ),
    );
  });

  it('begin after the entry that one has', async () => {
    const id = await finishedJob();
    const seen: number[] = [];
    for await (const event of createClient({ url: app.url }).events(id, { after: 18 })) if ('seq' in event) seen.push(event.seq);
    expect(seen).toEqual([19, 20, 21]);
  });

  it('end with an error for a job that is not there', async () => {
    const following = createClient({ url: app.url }).events('0'.repeat(32)).next();
    await expect(following).rejects.toMatchObject({ code: 'not_found', status: 404 });
  });

  it('end with an error when there was no sign of life for too long', async () => {
    const following = createClient({ url: 'http://127.0.0.1:1', reconnectForMs: 50 }).events('0'.repeat(32)).next();
    await expect(following).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('let go of the connection when one stops listening, and when the signal aborts', async () => {
    const id = await submit(app.url);
    const client = createClient({ url: app.url });
    let streams = 0;
    app.app.server.on('request', (request, response) => {
      if (request.url?.endsWith('/events') !== true) return;
      streams += 1;
      response.once('close', () => (streams -= 1));
    });
    const open = (): number => streams;
    for await (const event of client.events(id)) if (event.type === 'status') break;
    await expect.poll(open).toBe(0);
    const abort = new AbortController();
    const following = client.events(id, { signal: abort.signal });
    await following.next();
    expect(open()).toBe(1);
    const next = following.next();
    abort.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await expect.poll(open).toBe(0);
  });
});
