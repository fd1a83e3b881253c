import type { Lease, Store } from '../store/store.ts';

export type LeaseEnd = 'canceled' | 'lost';

/**
 * Prolongs a lease until stopped. Calls `onEnd` when the job is to be canceled or belongs to somebody else; a store
 * that doesn't answer counts as a lost lease only when the lease has run out, for then somebody else may have it.
 */
export function keepLease(store: Store, lease: Lease, leaseMs: number, onEnd: (why: LeaseEnd) => void): () => void {
  let stopped = false;
  let validUntil = performance.now() + leaseMs;
  let timer: NodeJS.Timeout | undefined;

  const stop = (): void => {
    stopped = true;
    clearTimeout(timer);
  };
  const renew = async (): Promise<void> => {
    const askedAt = performance.now();
    try {
      const state = await store.renew(lease, leaseMs);
      if (stopped) return;
      if (state === 'lost') return onEnd('lost');
      validUntil = askedAt + leaseMs;
      if (state === 'cancel') onEnd('canceled');
    } catch {
      if (!stopped && performance.now() >= validUntil) return onEnd('lost');
    }
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => void renew(), leaseMs / 3);
  };
  schedule();
  return stop;
}
