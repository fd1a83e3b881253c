import { v7 } from 'uuid';
import { jobSpec, type JobSpec } from '../../api/spec.ts';
import type { Finish, NewJob, NewLogEntry, RescueRules } from '../store.ts';

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
export const newJob = (more: Partial<NewJob> = {}): NewJob => ({
  id: newId(),
  owner: '',
  spec: specWith(),
  runtime: RUNTIME,
  bytes: 0,
  ...more,
});

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
