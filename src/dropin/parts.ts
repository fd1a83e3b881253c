import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import type { Submitter } from '../jobs/submit.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import type { Store } from '../store/store.ts';

/** What a drop-in, which speaks another service's API, is made of. */
export interface DropInParts {
  config: Config;
  store: Store;
  artifacts: Artifacts;
  runtimes: Runtimes;
  submitter: Submitter;
  /** Aborts when the service is about to stop. */
  closing: AbortSignal;
}
