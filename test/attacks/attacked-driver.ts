import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import type { Traces } from './host-state.ts';

export interface AttackedDriver {
  name: string;
  /** Why it can't be attacked here. */
  missing: string | undefined;
  traces: Traces;
  /** Attacks that get through, each with the reason. */
  cannotHold: Readonly<Record<string, string>>;
  /** `isReady`, where much is made ahead, one after the other: whether all of it is there. */
  open(): Promise<{ under: SandboxUnderTest; isReady?: () => boolean }>;
}
