import type { JobRecord, Store } from '../store/store.ts';
import { isFinal } from './state.ts';

/** The job when it is over, or as it stands when `waitMs` are over or `signal` aborts. Undefined: no such job. */
export async function waitForEnd(
  store: Pick<Store, 'get' | 'follow'>,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<JobRecord | undefined> {
  const job = await store.get(id);
  if (job === undefined || isFinal(job.status) || waitMs <= 0) return job;
  const over = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  // Followed from its end: the entries themselves are of no interest here.
  for await (const _ of store.follow(id, Number.MAX_SAFE_INTEGER, over)) continue;
  return store.get(id);
}

/** A job's log as text, a part at a time: the first `lines` entries. The runner's lines begin on a line of their own, whatever stood before. */
export async function* logText(store: Pick<Store, 'follow'>, id: string, lines: number): AsyncGenerator<string> {
  if (lines === 0) return;
  let atLineStart = true;
  // Followed rather than read at once: lines may be long, and parts of the log are of bounded size. All that is asked for is there.
  for await (const chunk of store.follow(id, 0, new AbortController().signal)) {
    let text = '';
    for (const entry of chunk) {
      if (entry.seq > lines) break;
      if (entry.stream === 'runner' && !atLineStart) text += '\n';
      text += entry.text;
      atLineStart = entry.text.endsWith('\n');
    }
    yield text;
    if ((chunk.at(-1)?.seq ?? lines) >= lines) return;
  }
}
