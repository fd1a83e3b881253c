import type { JobRecord } from '../store/store.ts';
import type { Sender } from './submit.ts';

/** What becomes of a submission, told as it happens: for logs and traces. Nothing here may throw. */
export interface SubmitWatch {
  /** The trace that the job is to belong to. */
  readonly traceparent: string | undefined;
  /** `isNew` is false where the same request had come before. */
  accepted(job: JobRecord, isNew: boolean): void;
  refused(error: unknown): void;
}

export type WatchSubmit = (sender: Sender) => SubmitWatch;

const nothing = (): void => undefined;

/** A job belongs to the trace that its sender named, and that is all. */
export const unwatchedSubmit: WatchSubmit = ({ traceparent }) => ({ traceparent, accepted: nothing, refused: nothing });
