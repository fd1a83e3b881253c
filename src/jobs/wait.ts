import type { JobRecord, Store } from '../store/store.ts';
import { isFinal } from './state.ts';

const PAGE = 1000;

/** The job when it is over, or as it stands when `waitMs` are over or `signal` aborts. Undefined: no such job. */
export async function waitForEnd(store: Store, id: string, waitMs: number, signal: AbortSignal): Promise<JobRecord | undefined> {
  const job = await store.get(id);
  if (job === undefined || isFinal(job.status) || waitMs <= 0) return job;
  const over = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  // Followed from its end: the entries themselves are of no interest here.
  for await (const _ of store.follow(id, Number.MAX_SAFE_INTEGER, over)) continue;
  return store.get(id);
}

/** A job's log as text, a part at a time: the first `lines` entries. The runner's lines begin on a line of their own, whatever stood before. */
export async function* logText(store: Store, id: string, lines: number): AsyncGenerator<string> {
  let after = 0;
  let atLineStart = true;
  while (after < lines) {
    const entries = await store.read(id, after, Math.min(PAGE, lines - after));
    if (entries.length === 0) return;
    after += entries.length;
    let text = '';
    for (const entry of entries) {
      if (entry.stream === 'runner' && !atLineStart) text += '\n';
      text += entry.text;
      atLineStart = entry.text.endsWith('\n');
    }
    yield text;
  }
}
