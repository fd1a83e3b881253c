import type { Status } from '../../api/job.ts';
import type { Claim } from '../store.ts';

/** A job as it must be. */
export interface ModelJob {
  id: string;
  owner: string;
  status: Status;
  attempt: number;
  log: string[];
  cancelAsked: boolean;
  idempotencyKey: string | undefined;
  held: ModelLease | undefined;
}

export interface ModelLease {
  claim: Claim;
  expiresAt: number;
  /** The store has crashed since the last renewal, which may have ended the lease or not. */
  unsure: boolean;
  /** It was claimed from a process of the store that has crashed since. */
  beforeCrash: boolean;
}

/** Jobs in the order they came. A deleted one is only an id, and what was in its log. */
export interface Model {
  jobs: ModelJob[];
  deleted: ModelJob[];
  /** Claims whose leases are over. */
  past: Claim[];
}

export const emptyModel = (): Model => ({ jobs: [], deleted: [], past: [] });

export const withStatus = (model: Model, status: Status): ModelJob[] => model.jobs.filter((job) => job.status === status);

export const isFinished = (job: ModelJob): boolean => job.status !== 'queued' && job.status !== 'running';

/** A lease that nobody may take away yet. */
export const isSafe = ({ expiresAt, unsure }: ModelLease, now: number): boolean => !unsure && now < expiresAt;

export function endLease(model: Model, job: ModelJob): void {
  if (job.held !== undefined) model.past.push(job.held.claim);
  job.held = undefined;
}
