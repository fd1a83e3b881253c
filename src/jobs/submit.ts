import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { SpecLimits } from '../api/spec.ts';
import type { Artifacts, Upload, UploadArea } from '../artifacts/artifacts.ts';
import { ApiError, type FieldError } from '../errors.ts';
import type { RuntimeCatalog } from '../runtimes/runtime.ts';
import { StoreError, type JobRecord, type Store } from '../store/store.ts';
import type { Admission } from './admission.ts';
import type { Caller } from './caller.ts';
import { createSpecParser } from './spec.ts';
import { unwatchedSubmit, type SubmitWatch, type WatchSubmit } from './submit-watch.ts';

/** What a client sent, once all of it has been received. */
export interface Submission {
  /** Undefined when there was no such part. */
  specText: string | undefined;
  files: { area: UploadArea; path: string; size: number; sha256: string }[];
  /** Problems with the files, found while they came in. */
  errors: FieldError[];
}

/** Who sends a job. */
export interface Sender {
  caller: Caller;
  idempotencyKey?: string | undefined;
  /** By which the request is found in logs. */
  requestId?: string | undefined;
  /** The trace that the request belongs to (W3C Trace Context). */
  traceparent?: string | undefined;
}

/** Whether jobs may have a network here; if not, why, and the line that mends it. */
export type Outbound = { possible: true } | { possible: false; reason: string; remedy: string };

export interface Submitter {
  /**
   * Accepts a job. `receive` is handed the place for the files and reads the request, once it is known that there is room.
   *
   * @throws ApiError `invalid_spec` with all problems, `unknown_runtime`, `net_policy_unavailable`, `idempotency_conflict`,
   *   `too_many_requests`, `quota_exceeded`, `queue_full`, and whatever `receive` throws; nothing is left behind then
   */
  submit(sender: Sender, receive: (upload: Upload) => Promise<Submission>): Promise<JobRecord>;
}

const newJobId = (): string => uuid().replaceAll('-', '');

/** So many problems tell enough; a client must not make a long answer out of a short request. */
const MAX_TOLD_PROBLEMS = 100;

function invalidSpec(errors: FieldError[]): ApiError {
  const [first] = errors;
  const detail = errors.length === 1 ? `${first?.pointer} ${first?.detail}` : `${errors.length} problems`;
  const told = errors.length > MAX_TOLD_PROBLEMS ? `${detail}, the first ${MAX_TOLD_PROBLEMS} of which are listed` : detail;
  return new ApiError('invalid_spec', told, { errors: errors.slice(0, MAX_TOLD_PROBLEMS) });
}

/**
 * Digest of everything that makes two requests the same request; the order in which fields and files were sent does not.
 * Of the specification as it was sent: other defaults after a restart don't make a repeated request another one.
 */
function fingerprint(sent: Record<string, unknown>, files: Submission['files']): string {
  const contents = files.map(({ area, path, sha256 }) => `${area}/${path}\0${sha256}`).toSorted();
  return createHash('sha256')
    .update(JSON.stringify([canonical(sent), contents]))
    .digest('hex');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, canonical(inner)]),
  );
}

/** Makes something anew only when it is asked for of something else. */
function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  let last: { key: K; value: V } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: make(key) };
    return last.value;
  };
}

export function createSubmitter(parts: {
  store: Store;
  artifacts: Artifacts;
  runtimes: RuntimeCatalog;
  limits: Omit<SpecLimits, 'defaultRuntime'>;
  /** Whether the ends of jobs are told to their `callback_url`. */
  callbacks?: boolean;
  admission: Admission;
  watch?: WatchSubmit | undefined;
  /** Undefined: the workers know. */
  outbound?: Outbound | undefined;
}): Submitter {
  const { store, artifacts, runtimes, admission, watch = unwatchedSubmit } = parts;
  const parserFor = remembered((defaultRuntime: string) => createSpecParser({ ...parts.limits, defaultRuntime }));

  async function accept(
    id: string,
    { caller, idempotencyKey: key }: Sender,
    submission: Submission,
    { traceparent }: SubmitWatch,
  ): Promise<{ job: JobRecord; isNew: boolean }> {
    const parsed = parserFor(runtimes.defaultName)(submission.specText);
    const errors = [...(parsed.ok ? [] : parsed.errors), ...submission.errors];
    if (!parsed.ok || errors.length > 0) throw invalidSpec(errors);
    const { spec, sent } = parsed;
    const runtime = runtimes.resolve(spec.runtime);
    if (runtime === undefined) {
      const there = runtimes
        .list()
        .map((each) => each.name)
        .join(', ');
      const detail = `there is no runtime "${spec.runtime}" here; there are: ${there}`;
      throw new ApiError('unknown_runtime', detail, { errors: [{ pointer: '/spec/runtime', detail }] });
    }
    const noNetwork = parts.outbound?.possible === false ? parts.outbound : runtime.noNetwork;
    if (spec.net_policy !== 'none' && noNetwork !== undefined) {
      const detail = `only "none" can be had here: ${noNetwork.reason} (${noNetwork.remedy})`;
      throw new ApiError('net_policy_unavailable', detail, { errors: [{ pointer: '/spec/net_policy', detail }] });
    }
    if (spec.callback_url !== undefined && parts.callbacks !== true) {
      throw invalidSpec([{ pointer: '/spec/callback_url', detail: 'is not available here: webhooks are not set up (WEBHOOK_SECRET)' }]);
    }
    const inserted = await store.insert({
      id,
      owner: caller.owner,
      spec,
      runtime: runtime.name,
      traceparent,
      bytes: submission.files.reduce((sum, file) => sum + file.size, 0),
      bounds: admission.bounds(caller),
      ...(key === undefined ? {} : { idempotency: { key, fingerprint: fingerprint(sent, submission.files) } }),
    });
    if (inserted.kind === 'refused') throw admission.refusal(inserted.bound, caller);
    if (inserted.kind === 'conflict') throw new ApiError('idempotency_conflict', 'this Idempotency-Key was used for another request');
    return { job: inserted.job, isNew: inserted.job.id === id };
  }

  async function receiveAndAccept(
    sender: Sender,
    receive: (upload: Upload) => Promise<Submission>,
    watched: SubmitWatch,
  ): Promise<JobRecord> {
    admission.count(sender.caller);
    // With a key the job may be there already, and then there need be no room for it.
    if (sender.idempotencyKey === undefined) await admission.lookForRoom(sender.caller);
    const id = newJobId();
    const upload = await artifacts.stage(id);
    try {
      const submission = await receive(upload);
      // The files are in place before anybody can claim the job; files without a job, which a crash here leaves, are swept.
      await upload.commit();
      const { job, isNew } = await accept(id, sender, submission, watched);
      if (!isNew) await artifacts.remove(id);
      watched.accepted(job, isNew);
      return job;
    } catch (error) {
      await upload.discard();
      // A store whose answer got lost may have accepted the job: its files are then removed when it turns out that there is none.
      if (!(error instanceof StoreError && error.kind === 'unavailable')) await artifacts.remove(id);
      throw error;
    }
  }

  return {
    async submit(sender, receive) {
      const watched = watch(sender);
      try {
        return await receiveAndAccept(sender, receive, watched);
      } catch (error) {
        watched.refused(error);
        throw error;
      }
    },
  };
}
