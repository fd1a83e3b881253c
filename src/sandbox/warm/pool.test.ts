import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Slot } from '../slot.ts';
import { createWarmPool, SHRINK_EVERY_MS, type PoolEvents, type PoolRules, type WarmPool } from './pool.ts';
import type { ForkServer } from './server.ts';

/** The pool's own arithmetic, on servers and slots of straw: the real ones are in warm.test.ts. */

const RULES: PoolRules = { min: 2, max: 4, recycleJobs: 1000, recycleMs: 3_600_000, waitMs: 100 };

interface Straw {
  pool: WarmPool;
  /** Slots that were made and not yet given back, and servers that were started and not yet ended. */
  slots: Set<number>;
  servers: Set<number>;
  started: number[];
  troubles: string[];
  /** From now on, servers or slots can't be made. */
  fail: { server: boolean; slot: boolean };
  /** Slots that wait for their jobs, as the pool has told. */
  ready(): number;
  die(server: number): void;
  /** From now on making a slot takes until `letGo`; `held` are being made. */
  hold(): void;
  held(): number;
  letGo(): void;
}

function make(rules: Partial<PoolRules> = {}): Straw {
  const slots = new Set<number>();
  const servers = new Set<number>();
  const started: number[] = [];
  const troubles: string[] = [];
  const fail = { server: false, slot: false };
  const ends = new Map<ForkServer | number, (why: string) => void>();
  let serial = 0;
  const startServer = async (): Promise<ForkServer> => {
    if (fail.server) throw new Error('no server');
    const id = started.length + 1;
    started.push(id);
    servers.add(id);
    const { promise: gone, resolve } = Promise.withResolvers<string>();
    const end = (why: string): void => {
      servers.delete(id);
      resolve(why);
    };
    ends.set(id, end);
    return {
      root: '',
      imported: new Set(),
      gone,
      mount: async () => undefined,
      fork: () => Promise.reject(new Error('not here')),
      kill: async () => end('killed'),
    };
  };
  let gate: PromiseWithResolvers<void> | undefined;
  let held = 0;
  const makeSlot = async (): Promise<Slot> => {
    held += 1;
    await gate?.promise;
    held -= 1;
    if (fail.slot) throw new Error('no slot');
    const id = ++serial;
    slots.add(id);
    const free = async (): Promise<void> => void slots.delete(id);
    return { path: 'warm', cgroup: undefined, start: () => Promise.reject(new Error('not here')), discard: free, free };
  };
  let ready = 0;
  const events: PoolEvents = { trouble: (what) => troubles.push(what), ready: (change) => (ready += change) };
  const pool = createWarmPool(startServer, makeSlot, { ...RULES, ...rules }, events);
  return {
    pool,
    slots,
    servers,
    started,
    troubles,
    fail,
    ready: () => ready,
    die: (server) => ends.get(server)?.('dead'),
    hold: () => (gate = Promise.withResolvers()),
    held: () => held,
    letGo() {
      gate?.resolve();
      gate = undefined;
    },
  };
}

const settle = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);

describe('a pool of warm sandboxes', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('keeps the least ready, and is filled again when a job is done', async () => {
    const straw = make();
    await settle();
    expect(straw.slots.size).toBe(2);
    expect(straw.ready()).toBe(2);
    const slot = await straw.pool.take();
    if (typeof slot !== 'object') throw new Error(slot);
    expect(straw.ready()).toBe(1);
    await slot.free();
    await settle();
    expect(straw.slots.size).toBe(2);
    expect(straw.ready()).toBe(2);
    await straw.pool.close();
    expect([straw.slots.size, straw.servers.size, straw.ready()]).toEqual([0, 0, 0]);
  });

  it('is busy for as long as a job has one of its sandboxes, and not while they wait', async () => {
    const straw = make();
    await settle();
    expect(straw.pool.isBusy()).toBe(false);
    const slot = await straw.pool.take();
    if (typeof slot !== 'object') throw new Error(slot);
    await settle();
    expect(straw.pool.isBusy()).toBe(true);
    await slot.free();
    await settle();
    expect(straw.pool.isBusy()).toBe(false);
    await straw.pool.close();
  });

  it('grows when jobs come faster than it is filled, and shrinks again when they don’t', async () => {
    const straw = make();
    await settle();
    const taken = await Promise.all(Array.from({ length: 6 }, () => straw.pool.take()));
    expect(taken.every((slot) => typeof slot === 'object')).toBe(true);
    await Promise.all(taken.flatMap((slot) => (typeof slot === 'object' ? [slot.free()] : [])));
    await settle();
    expect([straw.slots.size, straw.ready()]).toEqual([4, 4]);
    await vi.advanceTimersByTimeAsync(SHRINK_EVERY_MS * 4);
    expect([straw.slots.size, straw.ready()]).toEqual([2, 2]);
    await straw.pool.close();
  });

  it('makes several at once for as long as it is short of more than one', async () => {
    const straw = make({ min: 1, max: 8 });
    await settle();
    // The kernel takes its time from here on.
    straw.hold();
    const taking = [straw.pool.take(), straw.pool.take()];
    await settle();
    // The first, being made for whoever waits, is not the only one that is made while it is.
    for (let i = 0; i < 3; i++) taking.push(straw.pool.take());
    await settle();
    expect(straw.held()).toBe(3);
    straw.letGo();
    await settle();
    expect((await Promise.all(taking)).every((slot) => typeof slot === 'object')).toBe(true);
    await straw.pool.close();
  });

  it('keeps no more than a tenth of the free memory has room for', async () => {
    const memory = vi.spyOn(process, 'availableMemory').mockReturnValue(120 * 1024 ** 2);
    const straw = make({ min: 4 });
    await settle();
    expect(straw.slots.size).toBe(1);
    memory.mockRestore();
    await straw.pool.close();
  });

  it('says why there is none', async () => {
    const straw = make();
    expect(await straw.pool.take()).toBe('starting');
    await settle();
    straw.fail.slot = true;
    // Asked for in vain, it has grown by one.
    for (let i = 0; i < 3; i++) expect(typeof (await straw.pool.take())).toBe('object');
    expect(await straw.pool.take()).toBe('failing');
    expect(await straw.pool.take()).toBe('failing');
    expect(straw.troubles).toEqual(['warm starts are not to be had now; jobs start cold']);
    straw.fail.slot = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(typeof (await straw.pool.take())).toBe('object');
    await straw.pool.close();
  });

  it('starts another server when one has died, and gives out nothing of the dead one', async () => {
    const straw = make();
    await settle();
    straw.die(1);
    await settle();
    expect([...straw.servers]).toEqual([2]);
    expect(straw.slots.size).toBe(2);
    await straw.pool.close();
    expect([straw.slots.size, straw.servers.size]).toEqual([0, 0]);
  });

  it('replaces a server that is used up while it still serves, and ends it when its last job is done', async () => {
    const straw = make({ recycleJobs: 3 });
    await settle();
    const last = await straw.pool.take();
    for (let i = 0; i < 4; i++) {
      const slot = await straw.pool.take();
      if (typeof slot !== 'object') throw new Error(slot);
      await slot.free();
      await settle();
    }
    expect(straw.started.length).toBeGreaterThan(1);
    expect(straw.servers.has(1)).toBe(true);
    if (typeof last === 'object') await last.free();
    await settle();
    expect(straw.servers.has(1)).toBe(false);
    expect(straw.troubles).toEqual([]);
    await straw.pool.close();
    expect([straw.slots.size, straw.servers.size]).toEqual([0, 0]);
  });

  it('replaces a server that has grown old without a job', async () => {
    const straw = make({ recycleMs: SHRINK_EVERY_MS / 2 });
    await settle();
    await vi.advanceTimersByTimeAsync(SHRINK_EVERY_MS);
    expect([...straw.servers]).toEqual([2]);
    expect(straw.slots.size).toBe(2);
    await straw.pool.close();
  });

  it('goes without when the next server can’t be started, and tries again', async () => {
    const straw = make({ recycleMs: SHRINK_EVERY_MS / 2 });
    await settle();
    straw.fail.server = true;
    await vi.advanceTimersByTimeAsync(SHRINK_EVERY_MS);
    expect([straw.slots.size, straw.servers.size]).toEqual([0, 0]);
    expect(await straw.pool.take()).toBe('failing');
    straw.fail.server = false;
    await vi.advanceTimersByTimeAsync(SHRINK_EVERY_MS);
    expect(straw.slots.size).toBeGreaterThanOrEqual(2);
    await straw.pool.close();
  });
});
