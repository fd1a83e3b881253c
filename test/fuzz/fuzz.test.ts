import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claim, finish, lines, startApp, type TestApp } from '../support/app.ts';
import { tenantFile, type TenantFile } from '../support/tenants.ts';
import { barrage } from './barrage.ts';
import { readApi, type Api } from './openapi.ts';
import { startSession, type Session } from './session.ts';

/** A short run with one seed, so that it says the same each time; `npm run fuzz -- 20000` is the long one, against the whole service. */
const REQUESTS = 1000;
const SEED = 20_261_125;

let tenants: TenantFile;
let app: TestApp;
let api: Api;
let session: Session;
let playing: Promise<void>;
const over = new AbortController();

/** Plays the worker: each job ends at once, with a word and a file. */
async function play(): Promise<void> {
  while (!over.signal.aborted) {
    const claimed = await claim(app.store).catch(() => undefined);
    if (claimed === undefined) continue;
    const bytes = Buffer.from('<b>');
    const kept = await app.artifacts.keep(claimed.job.id, { name: '0.html', size: bytes.length, open: () => Readable.from([bytes]) });
    await app.store.append(claimed.lease, lines('a word\n'));
    await finish(app.store, claimed, { artifacts: [kept] });
  }
}

beforeAll(async () => {
  tenants = await tenantFile();
  const unbounded = { jobs_per_minute: 0, max_queued: 0, stored_mb: 0, upload_mb_per_minute: 0, max_viewers: 0 };
  const [alice, bob] = [await tenants.add('alice', unbounded), await tenants.add('bob', unbounded)];
  app = await startApp({
    API_KEYS_FILE: tenants.path,
    MAX_WAIT_SEC: '1',
    BODY_IDLE_TIMEOUT_MS: '500',
    HEADERS_TIMEOUT_MS: '1000',
    MAX_UPLOAD_MB: '1',
  });
  api = await readApi(app.url);
  session = startSession(app.url, api, { alice, bob });
  playing = play();
});
afterAll(async () => {
  over.abort();
  session?.close();
  await app?.close();
  await playing;
  await tenants?.remove();
});

const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

describe('whatever is asked', () => {
  it('is answered as described, with no fault of ours, and leaves neither files nor descriptors', async () => {
    await barrage(session, api, { requests: 100, seed: SEED + 1, shrinks: true });
    await session.cleanUp();
    const before = await descriptors();
    await barrage(session, api, { requests: REQUESTS, seed: SEED, shrinks: true });
    await session.cleanUp();
    // All kinds of answers have come: else this would prove little.
    for (const status of [200, 204, 400, 401, 404, 405, 415, 422])
      expect([status, session.statuses.get(status)]).toEqual([status, expect.any(Number)]);
    while ((await app.filesLeft().catch(() => ['one that goes'])).length > 0) await fetch(`${app.url}/healthz`);
    // What has been closed on one side is gone on the other a moment later; a leak would stay.
    while ((await descriptors()) > before + 4) await fetch(`${app.url}/healthz`);
  });
});
