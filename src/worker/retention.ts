import type { Logger } from 'pino';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Store } from '../store/store.ts';
import { repeat } from './repeat.ts';

export interface RetentionRules {
  /** Finished jobs older than this are removed; 0 keeps them. */
  maxAgeMs: number;
  /** When all jobs together are larger, finished ones are removed, oldest first; 0 for no bound. */
  maxBytes: number;
}

const PAGE = 100;
/** Files without a job are an upload in progress when they are young, else what a crash left. */
const ORPHAN_AGE_MS = 60 * 60 * 1000;
const ORPHANS_EVERY_MS = 15 * 60_000;
/** No upload takes so long. */
const UPLOAD_AGE_MS = 60 * 60 * 1000;

/** One round of cleaning up. Resolves with the number of jobs removed. */
export async function removeOld(store: Store, artifacts: Artifacts, rules: RetentionRules, now: number): Promise<number> {
  let removed = 0;
  const remove = async (id: string): Promise<boolean> => {
    // The record first: what is then left of a crash are files without a job, which `removeOrphans` finds.
    if ((await store.delete(id)) !== 'deleted') return false;
    await artifacts.remove(id);
    removed += 1;
    return true;
  };
  if (rules.maxAgeMs > 0) {
    for (;;) {
      const old = await store.finished({ before: now - rules.maxAgeMs, limit: PAGE });
      for (const { id } of old) await remove(id);
      if (old.length < PAGE) break;
    }
  }
  if (rules.maxBytes > 0) {
    let { bytes } = await store.stats();
    while (bytes > rules.maxBytes) {
      const oldest = await store.finished({ limit: PAGE });
      if (oldest.length === 0) break;
      for (const job of oldest) {
        if (bytes <= rules.maxBytes) break;
        if (await remove(job.id)) bytes -= job.bytes;
      }
    }
  }
  return removed;
}

/** Removes files whose job is not in the store. */
export async function removeOrphans(store: Store, artifacts: Artifacts, now: number): Promise<number> {
  let removed = 0;
  for await (const { id, modifiedAt } of artifacts.ids()) {
    if (modifiedAt > now - ORPHAN_AGE_MS || (await store.get(id)) !== undefined) continue;
    await artifacts.remove(id);
    removed += 1;
  }
  return removed;
}

/** Cleans up at once, then every `everyMs`. Returns how to stop it. */
export const startRetention = (
  store: Store,
  artifacts: Artifacts,
  rules: RetentionRules,
  everyMs: number,
  logger: Logger,
): (() => Promise<void>) =>
  repeat('removing old jobs', everyMs, logger, async () => {
    // One of all processes is enough.
    if (!(await store.takeTurn('retention', everyMs))) return;
    await artifacts.sweep(UPLOAD_AGE_MS);
    const old = await removeOld(store, artifacts, rules, Date.now());
    // It looks at every job there is, and in a bucket somebody pays for that.
    const orphans = (await store.takeTurn('orphans', ORPHANS_EVERY_MS)) ? await removeOrphans(store, artifacts, Date.now()) : 0;
    if (old + orphans > 0) logger.info({ old, orphans }, 'removed old jobs');
  });
