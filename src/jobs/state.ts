import type { Status } from '../api/job.ts';

/** Every change of a job's status that may happen, by the event that causes it. docs/states.md draws this table; a test compares. */
export const TRANSITIONS = {
  claim: { from: ['queued'], to: ['running'] },
  finish: { from: ['running'], to: ['succeeded', 'failed', 'canceled'] },
  release: { from: ['running'], to: ['queued'] },
  retry: { from: ['running'], to: ['queued'] },
  lose: { from: ['running'], to: ['failed'] },
  cancel: { from: ['queued'], to: ['canceled'] },
} as const satisfies Record<string, { from: readonly Status[]; to: readonly Status[] }>;

export type Transition = keyof typeof TRANSITIONS;

export const FINAL_STATUSES = ['succeeded', 'failed', 'canceled'] as const satisfies readonly Status[];

export const isFinal = (status: Status): boolean => (FINAL_STATUSES as readonly Status[]).includes(status);
