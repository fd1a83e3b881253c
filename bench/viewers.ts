import { parentPort, workerData } from 'node:worker_threads';

/** Viewers of one job's stream, in a thread: each checks that it gets every line once and in order. */

const { base, id, lines, count, reconnecting } = workerData as {
  base: string;
  id: string;
  lines: number;
  count: number;
  reconnecting: number;
};
const begun = performance.now();

/** Lines that are right from the first on; reads until the end, or for `untilMs` only. Resolves with the next line's number, or -1 when one was wrong. */
async function read(next: number, lastId: string, untilMs: number): Promise<{ next: number; lastId: string; ended: boolean }> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), untilMs);
  let rest = '';
  let ended = false;
  try {
    const response = await fetch(`${base}/jobs/${id}/logs/stream`, { headers: { 'last-event-id': lastId }, signal: abort.signal });
    const decoder = new TextDecoder('latin1');
    for await (const part of response.body ?? []) {
      const events = (rest + decoder.decode(part)).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const number = /^id: (\d+)$/m.exec(event)?.[1];
        const line = /^data: line (\d+)$/m.exec(event)?.[1];
        if (event.startsWith('event: end')) ended = true;
        if (line !== undefined && Number(line) !== next++) return { next: -1, lastId, ended };
        lastId = number ?? lastId;
      }
    }
  } catch {
    // Broken off on purpose.
  }
  clearTimeout(timer);
  return { next, lastId, ended };
}

async function viewer(comesAndGoes: boolean): Promise<boolean> {
  let state = { next: 0, lastId: '0', ended: false };
  while (!state.ended && state.next >= 0) state = await read(state.next, state.lastId, comesAndGoes ? 20 + Math.random() * 400 : 600_000);
  return state.next === lines;
}

const results = await Promise.all(Array.from({ length: count }, (_, index) => viewer(index < reconnecting)));
parentPort?.postMessage({ wrong: results.filter((right) => !right).length, elapsedMs: performance.now() - begun });
