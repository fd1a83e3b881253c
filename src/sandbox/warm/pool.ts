import type { ColdReason } from '../sandbox.ts';
import type { Slot } from '../slot.ts';
import type { ForkServer } from './server.ts';

export interface PoolRules {
  /** Slots to keep ready when nothing is going on. */
  min: number;
  /** And at most, when jobs come faster than slots can be made. */
  max: number;
  /** A server is replaced after so many jobs, or so long: what its jobs share is shared by few more. */
  recycleJobs: number;
  recycleMs: number;
  /** How long a job waits for a slot that is being made before it starts cold. */
  waitMs: number;
}

/** What a pool tells: for the log. */
export interface PoolEvents {
  trouble(what: string, error: unknown): void;
  /** A sandbox was made ahead. */
  made?(ms: number): void;
  /** So many more wait for their jobs, or fewer. */
  ready?(change: number): void;
}

export interface WarmPool {
  /** A ready slot, or the next one made, when one is soon to be; else why starting cold is better. */
  take(): Promise<Slot | ColdReason>;
  /** Whether a job may be running in one of its slots. */
  isBusy(): boolean;
  close(): Promise<void>;
}

/** One server and the slots forked from it. */
interface Generation {
  server: ForkServer;
  startedAt: number;
  forked: number;
  /** Slots that still need it. */
  alive: number;
  over: boolean;
}

export const SHRINK_EVERY_MS = 30_000;
const RETRY_MS = 100;
const MAX_RETRY_MS = 60_000;
const SLOT_BYTES = 10 * 1024 ** 2;
const MEMORY_SHARE = 0.1;
/** How long what is known of the free memory is good for. */
const ROOM_MS = 1000;
/** Slots made at a time: half of each one's making is waiting, for the kernel to put it into its groups. */
const MAKERS = 3;

/** Slots for one interpreter. `startServer` starts a server, `make` makes a slot of one. */
export function createWarmPool(
  startServer: () => Promise<ForkServer>,
  make: (server: ForkServer) => Promise<Slot>,
  rules: PoolRules,
  events: PoolEvents,
): WarmPool {
  // The oldest first: what is left of a server that has been replaced is used up.
  const ready: { slot: Slot; of: Generation }[] = [];
  let told = 0;
  const waiters: ((slot: Slot | ColdReason) => void)[] = [];
  let current: Generation | undefined;
  let beginning: Promise<Generation> | undefined;
  let making = 0;
  let replacing: Promise<void> | undefined;
  const replaced = new Set<Generation>();
  let target = rules.min;
  let missed = false;
  const makers = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  let closed = false;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  const retiring = new Set<Promise<void>>();

  const tellReady = (): void => {
    if (ready.length !== told) events.ready?.(ready.length - told);
    told = ready.length;
  };
  const later = (work: Promise<void>): void => {
    const done = work.catch((error: unknown) => events.trouble('clearing up after a warm start failed', error));
    retiring.add(done);
    void done.then(() => retiring.delete(done));
  };
  const retire = (generation: Generation): void => {
    generation.over = true;
    replaced.delete(generation);
    for (let i = ready.length - 1; i >= 0; i--) {
      if (ready[i]?.of !== generation) continue;
      const [entry] = ready.splice(i, 1);
      if (entry !== undefined) later(entry.slot.discard());
    }
    tellReady();
    if (generation.alive === 0) later(generation.server.kill());
  };

  const begin = async (): Promise<Generation> => {
    const server = await startServer();
    const generation: Generation = { server, startedAt: performance.now(), forked: 0, alive: 0, over: false };
    void server.gone.then((why) => {
      if (current === generation) current = undefined;
      if (generation.over) return;
      events.trouble('the fork server ended; jobs start cold until there is a new one', new Error(why));
      retire(generation);
      refill();
    });
    return generation;
  };

  const isUsedUp = (generation: Generation): boolean =>
    generation.forked >= rules.recycleJobs || performance.now() - generation.startedAt > rules.recycleMs;

  /** The next server imports while the present one still serves. */
  const replace = (): void => {
    replacing ??= begin()
      .then(
        (next) => {
          if (current !== undefined) replaced.add(current);
          current = next;
        },
        (error: unknown) => {
          events.trouble('the fork server could not be replaced; jobs start cold until there is a new one', error);
          if (current !== undefined) retire(current);
          current = undefined;
        },
      )
      .finally(() => {
        replacing = undefined;
        refill();
      });
  };

  const theServer = async (): Promise<Generation> => {
    if (current !== undefined) return current;
    beginning ??= begin()
      .then((next) => (current = next))
      .finally(() => (beginning = undefined));
    return beginning;
  };

  const makeOne = async (): Promise<void> => {
    const of = await theServer();
    if (of === current && isUsedUp(of)) replace();
    of.forked += 1;
    of.alive += 1;
    const release = (): void => {
      of.alive -= 1;
      if (of.over && of.alive === 0) later(of.server.kill());
    };
    const startedAt = performance.now();
    let slot: Slot;
    try {
      slot = await make(of.server);
      events.made?.(performance.now() - startedAt);
    } catch (error) {
      release();
      throw error;
    }
    const counted: Slot = {
      ...slot,
      async free() {
        await slot.free().finally(release);
        refill();
      },
      discard: () => slot.discard().finally(release),
    };
    if (of.over || closed) return later(counted.discard());
    const waiter = waiters.shift();
    if (waiter !== undefined) return waiter(counted);
    const entry = { slot: counted, of };
    ready.push(entry);
    tellReady();
    void slot.died?.then(() => {
      const at = ready.indexOf(entry);
      if (at === -1) return;
      ready.splice(at, 1);
      tellReady();
      events.trouble('a sandbox that was ready died', new Error('its process was killed from outside'));
      later(counted.discard());
      refill();
    });
  };

  let room = { slots: 0, asOf: -Infinity };
  const most = (): number => {
    // To ask takes the kernel five files, and it is asked for each slot.
    if (performance.now() - room.asOf > ROOM_MS)
      room = { slots: Math.floor((process.availableMemory() * MEMORY_SHARE) / SLOT_BYTES), asOf: performance.now() };
    return Math.max(1, Math.min(rules.max, room.slots));
  };
  const isShort = (): boolean => {
    const fresh = replaced.size === 0 ? ready.length : ready.filter(({ of }) => of === current).length;
    return fresh + making < Math.min(target, most()) || waiters.length > making;
  };

  const makeMany = async (): Promise<void> => {
    while (!closed && failure === undefined && isShort()) {
      making += 1;
      await makeOne().finally(() => (making -= 1));
      failures = 0;
    }
  };

  /** Nobody makes anything now: all that is wanted is there, or it can't be made. */
  const settle = (): void => {
    if (failure === undefined) {
      for (const generation of replaced) retire(generation);
      return;
    }
    failures += 1;
    events.trouble('warm starts are not to be had now; jobs start cold', failure.error);
    failure = undefined;
    for (const waiter of waiters.splice(0)) waiter('failing');
    retry = setTimeout(refill, Math.min(RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS));
    retry.unref();
  };
  const refill = (): void => {
    if (closed || failure !== undefined) return;
    clearTimeout(retry);
    while (makers.size < MAKERS && isShort()) {
      const maker = makeMany()
        .catch((error: unknown) => (failure ??= { error }))
        .then(() => {
          makers.delete(maker);
          if (makers.size === 0) settle();
        });
      makers.add(maker);
    }
    if (makers.size === 0) settle();
  };

  const shrink = setInterval(() => {
    if (!missed && target > rules.min) {
      target -= 1;
      const extra = ready.length > target ? ready.shift() : undefined;
      tellReady();
      if (extra !== undefined) later(extra.slot.discard());
    }
    missed = false;
    // One that nobody uses grows old, too.
    if (current !== undefined && isUsedUp(current)) replace();
  }, SHRINK_EVERY_MS);
  shrink.unref();

  refill();

  return {
    async take() {
      const entry = ready.shift();
      tellReady();
      if (entry !== undefined) {
        // While there are others, the job that is about to run has the machine to itself.
        if (ready.length < target / 2) refill();
        return entry.slot;
      }
      missed = true;
      target = Math.min(rules.max, target + 1);
      if (closed || failures > 0) return 'failing';
      if (current === undefined) {
        refill();
        return 'starting';
      }
      const next = new Promise<Slot | ColdReason>((resolve) => {
        const waiter = (slot: Slot | ColdReason): void => {
          clearTimeout(impatient);
          resolve(slot);
        };
        const impatient = setTimeout(() => {
          waiters.splice(waiters.indexOf(waiter), 1);
          resolve('empty');
        }, rules.waitMs);
        waiters.push(waiter);
      });
      refill();
      return next;
    },

    isBusy() {
      const generations = [...replaced, ...(current === undefined ? [] : [current])];
      return generations.some((each) => each.alive > ready.filter(({ of }) => of === each).length);
    },

    async close() {
      closed = true;
      clearInterval(shrink);
      clearTimeout(retry);
      for (const waiter of waiters.splice(0)) waiter('failing');
      await Promise.all(makers);
      await replacing;
      for (const generation of [...replaced, ...(current === undefined ? [] : [current])]) retire(generation);
      while (retiring.size > 0) await Promise.all(retiring);
      await current?.server.kill();
    },
  };
}
