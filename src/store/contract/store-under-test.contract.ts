import { afterEach, beforeEach, expect } from 'vitest';
import type { Claim, Finish, Inserted, JobRecord, Lease, LogEntry, NewJob, Store } from '../store.ts';
import { AT_ONCE, LEASE_MS, lines, never, newJob, RUNTIME, succeeded } from './jobs-for-tests.contract.ts';

/** A store of a test's own, empty, with a clock that the test moves. */
export interface StoreUnderTest {
  store: Store;
  now(): number;
  advance(ms: number): Promise<void>;
  /** Ends the store as a crash would, without closing it, and opens it again. */
  reopen(): Promise<Store>;
  close(): Promise<void>;
}

export type OpenStore = () => Promise<StoreUnderTest>;

export interface Fixture {
  readonly store: Store;
  readonly under: StoreUnderTest;
  submit(more?: Partial<NewJob>): Promise<JobRecord>;
  /** Claims what there is now; undefined when there is nothing. */
  tryClaim(runtimes?: string[]): Promise<Claim | undefined>;
  claim(runtimes?: string[]): Promise<Claim>;
  /** Waits for a job. */
  waitForClaim(signal: AbortSignal, runtimes?: string[]): Promise<Claim | undefined>;
  submitAndClaim(more?: Partial<NewJob>): Promise<Claim>;
  submitAndFinish(more?: Partial<NewJob>, finish?: Partial<Finish>): Promise<JobRecord>;
  get(id: string): Promise<JobRecord>;
  log(id: string): Promise<LogEntry[]>;
  /** Everything that a follower gets until it ends. */
  followed(id: string, after?: number, signal?: AbortSignal): Promise<LogEntry[]>;
  expectLost(lease: Lease): Promise<void>;
}

export const jobOf = (inserted: Inserted): JobRecord => {
  if (!('job' in inserted)) throw new Error(`${inserted.kind} where a job was expected`);
  return inserted.job;
};

/** Gives each test of the surrounding block a store of its own, and short words for what tests do with it. */
export function useStore(open: OpenStore): Fixture {
  let under: StoreUnderTest;
  beforeEach(async () => void (under = await open()));
  afterEach(() => under.close());

  const fixture: Fixture = {
    get store() {
      return under.store;
    },
    get under() {
      return under;
    },
    submit: async (more) => jobOf(await under.store.insert(newJob(more))),
    waitForClaim: (signal, runtimes = [RUNTIME]) => under.store.claim({ worker: 'test', leaseMs: LEASE_MS, runtimes, signal }),
    tryClaim: (runtimes) => fixture.waitForClaim(AT_ONCE, runtimes),
    async claim(runtimes) {
      const claim = await fixture.tryClaim(runtimes);
      if (claim === undefined) throw new Error('there is no job to claim');
      return claim;
    },
    async submitAndClaim(more) {
      await fixture.submit(more);
      return fixture.claim();
    },
    async submitAndFinish(more, finish) {
      const { job, lease } = await fixture.submitAndClaim(more);
      expect(await under.store.finish(lease, succeeded(finish))).toBe(true);
      return fixture.get(job.id);
    },
    async get(id) {
      const job = await under.store.get(id);
      if (job === undefined) throw new Error(`there is no job ${id}`);
      return job;
    },
    log: (id) => under.store.read(id, 0, 1_000_000),
    async followed(id, after = 0, signal = never()) {
      const entries: LogEntry[] = [];
      for await (const chunk of under.store.follow(id, after, signal)) entries.push(...chunk);
      return entries;
    },
    async expectLost(lease) {
      const before = await under.store.get(lease.jobId);
      expect(await under.store.renew(lease, LEASE_MS)).toBe('lost');
      expect(await under.store.append(lease, lines(1, 'from a lost lease'))).toBe('lost');
      expect(await under.store.finish(lease, succeeded({ log: lines(1, 'from a lost lease') }))).toBe(false);
      expect(await under.store.release(lease, lines(1, 'from a lost lease'))).toBe(false);
      expect(await under.store.get(lease.jobId)).toEqual(before);
    },
  };
  return fixture;
}
