import { afterEach, beforeEach, expect } from 'vitest';
import { v7 } from 'uuid';
import { jobSpec, type JobSpec } from '../../api/spec.ts';
import type { Claim, Finish, Inserted, JobRecord, Lease, LogEntry, NewJob, NewLogEntry, RescueRules, Store } from '../store.ts';

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

export const LEASE_MS = 10_000;
export const RUNTIME = 'python3.12';

const specs = jobSpec({
  defaultRuntime: RUNTIME,
  maxTimeoutSec: 600,
  maxCpus: 4,
  maxMemMb: 4096,
  maxPids: 1024,
  maxDiskMb: 4096,
  maxOutputMb: 1024,
});
export const specWith = (spec: Partial<JobSpec> = {}): JobSpec => specs.parse(spec);

export const newId = (): string => v7().replaceAll('-', '');
export const newJob = (more: Partial<NewJob> = {}): NewJob => ({ id: newId(), spec: specWith(), runtime: RUNTIME, bytes: 0, ...more });

export const line = (text: string, more: Partial<NewLogEntry> = {}): NewLogEntry => ({
  stream: 'stdout',
  at: 1_700_000_000_000,
  text: `${text}\n`,
  ...more,
});
export const lines = (count: number, prefix = 'line'): NewLogEntry[] =>
  Array.from({ length: count }, (_, index) => line(`${prefix} ${index + 1}`));

export const succeeded = (more: Partial<Finish> = {}): Finish => ({
  outcome: { kind: 'exited', code: 0 },
  usage: null,
  artifacts: [],
  logTruncated: false,
  log: [],
  ...more,
});

export const RULES: RescueRules = {
  maxAttempts: 2,
  retryLog: (job) => [line(`attempt ${job.attempt} was lost`, { stream: 'runner' })],
  lostLog: () => [line('no attempts are left', { stream: 'runner' })],
  canceledLog: () => [line('canceled', { stream: 'runner' })],
};

/** A signal that asks once and doesn't wait. */
export const AT_ONCE = AbortSignal.abort();
export const never = (): AbortSignal => new AbortController().signal;

export const texts = (entries: readonly { text: string }[]): string[] => entries.map(({ text }) => text);
export const seqs = (entries: readonly { seq: number }[]): number[] => entries.map(({ seq }) => seq);
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

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
  if (inserted.kind === 'conflict') throw new Error('a conflict where a job was expected');
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
