import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Status } from '../api/job.ts';
import { isFinal } from '../jobs/state.ts';
import type { Bell } from './bell.ts';
import type { Log } from './sqlite-log.ts';
import type { LogChunk } from './store.ts';

export type Follow = (id: string, after: number, signal: AbortSignal) => AsyncIterable<LogChunk>;

/**
 * A follower is its cursor: whatever it has not pulled yet stays in the database. Replay and live are one loop, for
 * between looking at the end of the log and waiting for more nothing else can run.
 */
export function createFollow(db: DatabaseSync, guarded: <T>(read: () => T) => T, log: Log, bell: Bell): Follow {
  const stateOf = db.prepare('SELECT status, log_lines AS lines FROM jobs WHERE id = ?');

  return async function* follow(id, after, signal) {
    let cursor = after;
    while (!signal.aborted && db.isOpen) {
      const state = guarded(() => stateOf.get(id)) as { status: Status; lines: number } | undefined;
      if (state === undefined) return;
      if (cursor < state.lines) {
        const chunk = guarded(() => log.chunkAfter(id, cursor));
        if (chunk === undefined) throw new Error(`the log of job ${id} lacks what comes after entry ${cursor}`);
        yield chunk;
        cursor = chunk.at(-1)?.seq ?? cursor;
        // A long log must not keep everybody else waiting. The end of a short one goes out with its last lines.
        if (cursor < state.lines) await nextTurn();
      } else if (isFinal(state.status)) {
        return;
      } else {
        await bell.heard(id, signal);
      }
    }
  };
}
