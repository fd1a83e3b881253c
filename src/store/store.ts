import type { Artifact, Status } from '../api/job.ts';
import type { STREAMS } from '../api/events.ts';
import type { JobSpec } from '../api/spec.ts';
import type { Outcome, Usage } from '../jobs/outcome.ts';

export type LogStream = (typeof STREAMS)[number];

/** A piece of output before the store has numbered it. `text` ends in `\n` unless the program's output ended (or a line was cut) there. */
export interface NewLogEntry {
  stream: LogStream;
  /** Milliseconds since the epoch. */
  at: number;
  text: string;
}

/** A numbered piece of output. `seq` counts from 1 without gaps over all attempts of a job. */
export interface LogEntry extends NewLogEntry {
  seq: number;
}

/**
 * Neighbouring log entries, immutable. Followers that read the same part of a log are handed the same object where
 * possible, so what is computed from one (such as its SSE frames) can be kept beside it in a WeakMap.
 */
export type LogChunk = readonly LogEntry[];

/** A job as the store keeps it. Times are milliseconds since the epoch. */
export interface JobRecord {
  id: string;
  /** Whose it is: the name of the key that it came with; empty where there are no keys. */
  owner: string;
  spec: JobSpec;
  /** The runtime that runs it: `spec.runtime` after aliases. */
  runtime: string;
  /** The trace that it belongs to (W3C Trace Context), as whoever submitted it said. */
  traceparent: string | null;
  status: Status;
  /** How often it was claimed; a release takes one back. */
  attempt: number;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  outcome: Outcome | null;
  usage: Usage | null;
  artifacts: Artifact[];
  logLines: number;
  logTruncated: boolean;
  /** Bytes that the job occupies: uploads, log, artifacts. */
  bytes: number;
}

export interface NewJob {
  id: string;
  owner: string;
  spec: JobSpec;
  runtime: string;
  traceparent?: string | undefined;
  /** Bytes uploaded. */
  bytes: number;
  /** Keys of different owners are different keys. */
  idempotency?: { key: string; /** Digest of the whole request. */ fingerprint: string };
  bounds?: Bounds;
}

/** How much there may be, this job included. What is not given is not bounded. */
export interface Bounds {
  /** Jobs that wait, whosever they are. */
  queued?: number | undefined;
  ownerQueued?: number | undefined;
  /** Bytes of all jobs of the owner together. */
  ownerBytes?: number | undefined;
  /** Jobs of the owner that run at once. It refuses nothing: more of them wait. The newest job's word holds for all of the owner's. */
  ownerRunning?: number | undefined;
}

export type Inserted =
  | { kind: 'created'; job: JobRecord }
  | { kind: 'existing'; job: JobRecord }
  | { kind: 'conflict' }
  | { kind: 'refused'; bound: 'queued' | 'ownerQueued' | 'ownerBytes' };

/** What an owner's jobs take. */
export interface OwnerUsage {
  queued: number;
  running: number;
  bytes: number;
}

/** A worker's timed claim on an attempt. Only its holder may write to the job. */
export interface Lease {
  jobId: string;
  token: string;
}

export interface Claim {
  job: JobRecord;
  lease: Lease;
  /** When this process asked for it, in milliseconds of its own clock that nobody sets (`performance.now()`): the lease began no earlier. */
  askedAt: number;
  /** Aborts as soon as somebody asks to cancel the job. */
  canceled: AbortSignal;
}

export interface ClaimRequest {
  /** Who claims; shown to operators. */
  worker: string;
  leaseMs: number;
  /** Runtimes that this worker can run now; jobs for others stay queued. */
  runtimes: readonly string[];
  /** Wait for a job until this aborts; an already aborted signal asks once, without waiting. */
  signal: AbortSignal;
}

/** `log` is appended in the same step that makes the end visible, so nobody sees the final status before the last entry. */
export interface Finish {
  outcome: Outcome;
  usage: Usage | null;
  artifacts: Artifact[];
  logTruncated: boolean;
  log: NewLogEntry[];
}

export interface ListQuery {
  /** Only this one's. */
  owner?: string;
  status?: Status;
  /** `[name]` or `[name, value]`; all must match. */
  labels?: readonly (readonly [name: string, value?: string])[];
  limit: number;
  cursor?: string;
}

/** What `rescue` writes into the log of a job whose worker is gone. */
export interface RescueRules {
  maxAttempts: number;
  retryLog: (job: JobRecord) => NewLogEntry[];
  lostLog: (job: JobRecord) => NewLogEntry[];
  /** For a job that was to be canceled anyway; without it such a job gets no last words. */
  canceledLog?: (job: JobRecord) => NewLogEntry[];
}

export interface Rescued {
  requeued: string[];
  lost: string[];
  canceled: string[];
}

/** That a job is over, to be told to its `callback_url`. */
export interface Notice {
  job: JobRecord;
  /** How often it was taken, this time included. */
  tries: number;
}

export interface StoreStats {
  queued: number;
  running: number;
  finished: number;
  /** Milliseconds since the epoch at which the oldest queued job was created. */
  oldestQueuedAt: number | null;
  /** Bytes of all jobs together. */
  bytes: number;
}

/** A worker as it tells of itself. */
export interface WorkerInfo {
  /** The name that it claims with. */
  name: string;
  /** Jobs that it runs at once. */
  concurrency: number;
  /** What it can run, its default first. */
  runtimes: { name: string; version: string; state: 'ready' | 'preparing' | 'failed'; packages: Record<string, string>; detail?: string }[];
  sandbox: { name: string; guarantees: Record<string, boolean>; notes: readonly string[] };
}

/** A runtime that some worker has told of. */
export interface SeenRuntime {
  name: string;
  version: string;
  packages: Record<string, string>;
  /** Milliseconds since the epoch. */
  seenAt: number;
}

/**
 * Jobs, their queue and their logs: one seam, because they must change together. Every method is atomic; what it
 * promises when it resolves holds after a `kill -9` of the process. Methods throw only when the store itself fails.
 */
export interface Store {
  readonly name: string;
  /** Resolves when the store answers, else throws a StartError with the line that mends it. */
  check(): Promise<void>;

  /**
   * Accepts a job as `queued`, or refuses it where a bound would be passed. The same idempotency key gives the job it was first used
   * for, whatever the bounds, or `conflict` when the fingerprint differs.
   */
  insert(job: NewJob): Promise<Inserted>;
  get(id: string): Promise<JobRecord | undefined>;
  /** Newest first. `next` is a cursor, null at the end. */
  list(query: ListQuery): Promise<{ jobs: JobRecord[]; next: string | null }>;

  /**
   * queued → running for one claimer only; of an owner's jobs the oldest first. Owners take turns: however many jobs one has, another's
   * first is next when as many have started as there are owners who wait. Undefined when the signal aborts first.
   */
  claim(request: ClaimRequest): Promise<Claim | undefined>;
  /** Prolongs a lease by `leaseMs` from now. `lost`: the job belongs to somebody else, or is over. */
  renew(lease: Lease, leaseMs: number): Promise<'held' | 'cancel' | 'lost'>;
  /** Appends to the log, in order; a holder waits for one call's end before the next. `lost` when the lease is not held any more; then nothing was written. */
  append(lease: Lease, entries: readonly NewLogEntry[]): Promise<'held' | 'lost'>;
  /** running → its final status. The first finish of the holder wins; false when the lease is not held any more. */
  finish(lease: Lease, finish: Finish): Promise<boolean>;
  /** running → queued at its old place, without costing an attempt; canceled instead if that was asked for. False when the lease is not held any more. */
  release(lease: Lease, log: NewLogEntry[]): Promise<boolean>;
  /** Cancels a queued job at once (with `log` as its last words) and asks the worker of a running one. Idempotent. Undefined: no such job. */
  cancel(id: string, log: NewLogEntry[]): Promise<JobRecord | undefined>;
  /** Ends leases that expired: back to the queue while attempts are left, else `worker_lost` (`canceled` where that was asked for). */
  rescue(rules: RescueRules): Promise<Rescued>;

  /** Up to `limit` entries with `seq > after`, in order. */
  read(id: string, after: number, limit: number): Promise<LogEntry[]>;
  /** Entries with `seq > after`: what is there, then what comes, each once; ends after the last entry of a finished (or deleted) job, or when the signal aborts. */
  follow(id: string, after: number, signal: AbortSignal): AsyncIterable<LogChunk>;

  /**
   * Takes up to `limit` notices that are due, the longest due first: one for each job with a `callback_url` that is over, from the step
   * that ended it until it is settled. Nobody else gets these for `leaseMs`.
   */
  takeNotices(query: { limit: number; leaseMs: number }): Promise<Notice[]>;
  /** Puts a notice off for `retryMs`, whole milliseconds; without that, it is done with. */
  settleNotice(jobId: string, retryMs?: number): Promise<void>;

  /** Removes a finished job with its log, and what is left to be told of it. */
  delete(id: string): Promise<'deleted' | 'not_found' | 'not_finished'>;
  /** Finished jobs, those that finished first ahead. `before`: only those finished before that time. */
  finished(query: { before?: number; limit: number }): Promise<{ id: string; finishedAt: number; bytes: number }[]>;
  stats(): Promise<StoreStats>;
  usage(owner: string): Promise<OwnerUsage>;

  /** Tells that a worker is alive, for `ttlMs` from now; again before that is over, or whenever something about it has changed. */
  announce(worker: WorkerInfo, ttlMs: number): Promise<void>;
  /** Tells that a worker is gone. */
  withdraw(name: string): Promise<void>;
  /** Those alive, by name; and all runtimes that workers have ever told of, the one seen last ahead. */
  workers(): Promise<{ alive: WorkerInfo[]; runtimes: SeenRuntime[] }>;
  /** True for one caller in every `everyMs`, of all processes that share the store: whose turn it is to do what one is enough for. */
  takeTurn(task: string, everyMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** The store failed. `full`: there is no room left; `unavailable`: it does not answer now. */
export class StoreError extends Error {
  readonly kind: 'full' | 'unavailable';

  constructor(kind: 'full' | 'unavailable', message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.kind = kind;
  }
}
