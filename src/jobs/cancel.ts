import type { JobRecord, Store } from '../store/store.ts';
import { runnerEntry, says } from './runner-lines.ts';

/** Asks for a job's end. One that was still queued ends at once. Undefined: no such job. */
export const cancelJob = (store: Pick<Store, 'cancel'>, id: string): Promise<JobRecord | undefined> =>
  store.cancel(id, [runnerEntry(says.canceledInQueue(), Date.now())]);
