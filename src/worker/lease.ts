import type { Claim, Store } from '../store/store.ts';

export type LeaseEnd = 'canceled' | 'lost';

/** Of a lease; what is left of it afterwards is for killing the program, so that two copies of it never run. */
const OURS = 0.9;

/**
 * Prolongs a lease, which was claimed for `leaseMs`, until stopped. Calls `onEnd` when the job is to be canceled or belongs to somebody else. A store that doesn't
 * answer, or answers too late, counts as a lost lease when the lease has nearly run out by this process's own clock: then
 * somebody else may have the job soon.
 */
export function keepLease(
  store: Store,
  { lease, askedAt: claimedAt }: Pick<Claim, 'lease' | 'askedAt'>,
  leaseMs: number,
  onEnd: (why: LeaseEnd) => void,
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;

  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
    clearTimeout(deadline);
  };
  const lose = (): void => {
    if (stopped) return;
    stop();
    onEnd('lost');
  };
  /** The store counts from when it got the request, which is later than when it was sent. */
  const heldSince = (askedAt: number): void => {
    clearTimeout(deadline);
    deadline = setTimeout(lose, Math.max(0, askedAt + leaseMs * OURS - performance.now()));
  };
  const renew = async (): Promise<void> => {
    const askedAt = performance.now();
    try {
      const state = await store.renew(lease, leaseMs);
      if (stopped) return;
      if (state === 'lost') return lose();
      heldSince(askedAt);
      if (state === 'cancel') onEnd('canceled');
      schedule(leaseMs / 3);
    } catch {
      if (!stopped) schedule(leaseMs / 10);
    }
  };
  const schedule = (ms: number): void => {
    timer = setTimeout(() => void renew(), Math.max(0, ms));
  };
  heldSince(claimedAt);
  schedule(claimedAt + leaseMs / 3 - performance.now());
  return stop;
}
