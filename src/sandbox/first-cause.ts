import type { Exit, Limits } from './sandbox.ts';

type Enforced = Exclude<Exit, { kind: 'exited' | 'signaled' }>;

export interface FirstCause {
  /** Why the run was ended from outside, if it was: the first cause, whatever else came after it. */
  get(): Enforced | undefined;
  /** Ends the run, unless something else did already. */
  end(cause: Enforced): void;
  /** The run is over: nothing can end it any more. */
  settle(): void;
}

/** Watches what may end a run from outside: its time, its abort signal, and whatever calls `end`. `kill` is called at most once. */
export function firstCause(limits: Pick<Limits, 'timeoutMs'>, signal: AbortSignal, kill: () => void): FirstCause {
  let cause: Enforced | undefined;
  let settled = false;
  const settle = (): void => {
    settled = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  const end = (why: Enforced): void => {
    if (settled) return;
    settle();
    cause = why;
    kill();
  };
  const onAbort = (): void => end({ kind: 'aborted' });
  const timer = setTimeout(() => end({ kind: 'timeout' }), limits.timeoutMs);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  return { get: () => cause, end, settle };
}
