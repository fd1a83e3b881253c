import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import type { JobsOf } from '../http/schemas.ts';
import type { Admission } from '../jobs/admission.ts';
import type { Submitter } from '../jobs/submit.ts';
import type { RuntimeCatalog } from '../runtimes/runtime.ts';

/** What a drop-in, which speaks another service's API, is made of. */
export interface DropInParts {
  config: Config;
  jobsOf: JobsOf;
  artifacts: Artifacts;
  runtimes: RuntimeCatalog;
  submitter: Submitter;
  admission: Admission;
  /** Aborts when the service is about to stop. */
  closing: AbortSignal;
}
