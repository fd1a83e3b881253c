import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim, finish, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { keepLease, type LeaseEnd } from './lease.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

const LEASE_MS = 60;

describe('keeping a lease', () => {
  it('prolongs it, so that nobody rescues a job whose worker lives', async () => {
    await submit(app.url);
    const claimed = await claim(app.store);
    const ends: LeaseEnd[] = [];
    await app.store.renew(claimed.lease, LEASE_MS);
    const stop = keepLease(app.store, claimed, LEASE_MS, (why) => ends.push(why));
    const until = Date.now() + LEASE_MS * 4;
    while (Date.now() < until) {
      const rescued = await app.store.rescue({ maxAttempts: 2, retryLog: () => [], lostLog: () => [] });
      expect(rescued.requeued).toEqual([]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop();
    expect(ends).toEqual([]);
  });

  it('tells that the job is to be canceled, and that it belongs to somebody else', async () => {
    const id = await submit(app.url);
    const claimed = await claim(app.store);
    await app.store.cancel(id, []);
    expect(await new Promise((resolve) => keepLease(app.store, claimed, LEASE_MS, resolve))).toBe('canceled');
    await finish(app.store, claimed);
    expect(await new Promise((resolve) => keepLease(app.store, claimed, LEASE_MS, resolve))).toBe('lost');
  });

  it('gives a store that refuses the time of the lease, less what killing takes, and then the job up', async () => {
    await submit(app.url);
    const claimed = await claim(app.store);
    await app.store.close();
    const begun = performance.now();
    expect(await new Promise((resolve) => keepLease(app.store, claimed, LEASE_MS, resolve))).toBe('lost');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(LEASE_MS * 0.8);
  });

  it('waits no longer for a store that never answers', async () => {
    const silent = { ...app.store, renew: () => new Promise<never>(() => undefined) };
    await submit(app.url);
    const claimed = await claim(app.store);
    expect(await new Promise((resolve) => keepLease(silent, claimed, LEASE_MS, resolve))).toBe('lost');
  });

  it('counts from when the job was asked for, however late the answer came', async () => {
    const leaseMs = 2000;
    const asked: number[] = [];
    const silent = {
      ...app.store,
      renew: () => {
        asked.push(performance.now());
        return new Promise<never>(() => undefined);
      },
    };
    await submit(app.url);
    const claimed = await claim(app.store);
    const begun = performance.now();
    const late = { ...claimed, askedAt: begun - leaseMs * 0.8 };
    expect(await new Promise((resolve) => keepLease(silent, late, leaseMs, resolve))).toBe('lost');
    expect(performance.now() - begun).toBeLessThan(leaseMs * 0.2);
    expect(asked).toHaveLength(1);
  });
});
