import type { Artifacts } from '../artifacts/artifacts.ts';
import { isJobId } from '../artifacts/path.ts';
import { cancelJob } from '../jobs/cancel.ts';
import { submitProgram } from '../jobs/submit-program.ts';
import type { Sender, Submitter } from '../jobs/submit.ts';
import { viewOf } from '../jobs/view.ts';
import { logText } from '../jobs/wait.ts';
import type { RuntimeCatalog } from '../runtimes/runtime.ts';
import { ownJobs } from '../jobs/own-jobs.ts';
import type { JobRecord, Store } from '../store/store.ts';
import type { Jobs, ToolFile } from './jobs.ts';

async function* contentOf({ bytes }: ToolFile): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export interface LocalParts {
  store: Store;
  artifacts: Artifacts;
  runtimes: RuntimeCatalog;
  submitter: Submitter;
}

/** The jobs of this process that a request's caller may know of. */
export function localJobs({ store, artifacts, runtimes, submitter }: LocalParts, sender: Sender): Jobs {
  const jobs = ownJobs(store, sender.caller);
  const find = async (id: string): Promise<JobRecord | undefined> => (isJobId(id) ? jobs.get(id) : undefined);

  return {
    async defaultRuntime() {
      const runtime = runtimes.resolve(runtimes.defaultName);
      return { version: runtime?.version ?? '3', packages: runtime?.packages ?? {} };
    },
    async submit(spec, files) {
      const job = await submitProgram(
        submitter,
        sender,
        spec,
        files.map((file) => ({ path: file.path, content: contentOf(file) })),
      );
      return job.id;
    },
    async get(id) {
      const job = await find(id);
      return job && viewOf(job);
    },
    async cancel(id) {
      const job = isJobId(id) ? await cancelJob(jobs, id) : undefined;
      return job && viewOf(job);
    },
    follow: (id, signal) => jobs.follow(id, 0, signal),
    async *log(id) {
      const job = await find(id);
      if (job !== undefined) yield* logText(jobs, id, job.logLines);
    },
    artifacts: async (id) => (await find(id))?.artifacts,
    async open(id, name) {
      const isKept = (await find(id))?.artifacts.some((artifact) => artifact.name === name);
      const file = isKept === true ? await artifacts.open(id, name) : undefined;
      return file && { size: file.size, bytes: () => file.stream() };
    },
  };
}
