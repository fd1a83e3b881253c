import { Readable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Artifacts } from '../artifacts/artifacts.ts';
import { claim, finish, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { removeOld, removeOrphans, startRetention } from './retention.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

const HOUR = 3_600_000;

async function finishedJob(bytes: number): Promise<string> {
  const id = await submit(app.url);
  const claimed = await claim(app.store);
  const content = Buffer.alloc(bytes);
  const artifact = await app.artifacts.keep(id, { name: 'file', size: bytes, open: () => Readable.from([content]) });
  await finish(app.store, claimed, { artifacts: [artifact] });
  return id;
}

const left = async (): Promise<string[]> => (await app.store.list({ limit: 100 })).jobs.map((job) => job.id);

describe('removing old jobs', () => {
  it('removes finished jobs that are older than allowed, with their files, and no others', async () => {
    await finishedJob(10);
    const queued = await submit(app.url);
    expect(await removeOld(app.store, app.artifacts, { maxAgeMs: HOUR, maxBytes: 0 }, Date.now())).toBe(0);
    expect(await removeOld(app.store, app.artifacts, { maxAgeMs: HOUR, maxBytes: 0 }, Date.now() + 2 * HOUR)).toBe(1);
    expect(await left()).toEqual([queued]);
    expect((await app.filesLeft()).some((path) => path.endsWith('/file'))).toBe(false);
  });

  it('removes the oldest finished jobs until what is left is small enough', async () => {
    const ids = [await finishedJob(1000), await finishedJob(1000), await finishedJob(1000)];
    const queued = await submit(app.url);
    const { bytes } = await app.store.stats();
    expect(await removeOld(app.store, app.artifacts, { maxAgeMs: 0, maxBytes: bytes - 1500 }, Date.now())).toBe(2);
    expect((await left()).toSorted()).toEqual([ids[2], queued].toSorted());
    expect(await removeOld(app.store, app.artifacts, { maxAgeMs: 0, maxBytes: 1 }, Date.now())).toBe(1);
    expect(await left()).toEqual([queued]);
  });

  it('keeps everything when told to', async () => {
    await finishedJob(10);
    expect(await removeOld(app.store, app.artifacts, { maxAgeMs: 0, maxBytes: 0 }, Date.now() + 1000 * HOUR)).toBe(0);
  });

  it('looks at every job’s files now and then, and not in each round', async () => {
    let looks = 0;
    let rounds = 0;
    const third = Promise.withResolvers<void>();
    const watched: Artifacts = {
      ...app.artifacts,
      sweep: async () => void ((rounds += 1) === 3 && third.resolve()),
      ids: () => ((looks += 1), app.artifacts.ids()),
    };
    const stop = startRetention(app.store, watched, { maxAgeMs: 0, maxBytes: 0 }, 5, pino({ level: 'silent' }));
    await third.promise;
    await stop();
    expect(looks).toBe(1);
  });

  it('removes files whose job a crash has lost, once they can be no upload in progress', async () => {
    const kept = await finishedJob(10);
    const orphan = '0'.repeat(31) + '1';
    await (await app.artifacts.stage(orphan)).commit();
    expect(await removeOrphans(app.store, app.artifacts, Date.now())).toBe(0);
    expect(await removeOrphans(app.store, app.artifacts, Date.now() + 2 * HOUR)).toBe(1);
    expect((await app.filesLeft()).filter((path) => path.includes(orphan))).toEqual([]);
    expect((await app.filesLeft()).some((path) => path.includes(kept))).toBe(true);
  });
});
