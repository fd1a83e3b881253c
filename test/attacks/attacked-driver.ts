import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import type { Traces } from './host-state.ts';

export interface AttackedDriver {
  name: string;
  /** Why it can't be attacked here. */
  missing: string | undefined;
  traces: Traces;
  /** Attacks that get through, each with the reason. */
  cannotHold: Readonly<Record<string, string>>;
  open(): Promise<{ under: SandboxUnderTest }>;
}
