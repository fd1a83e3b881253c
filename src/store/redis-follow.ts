import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection } from './redis-connection.ts';
import type { Log } from './redis-log.ts';
import type { Reader } from './redis-reader.ts';
import type { LogChunk } from './store.ts';

export type Follow = (id: string, after: number, signal: AbortSignal) => AsyncIterable<LogChunk>;

/** So often what the record says must be there is looked for: the log may be just on its way into the archive. */
const TRIES = 5;

/** A follower is its cursor: whatever it has not pulled yet stays where it is, in Redis or in the archive. Replay and live are one loop. */
export function createFollow(connection: Connection, log: Log, reader: Reader): Follow {
  return async function* follow(id, after, signal) {
    const over = AbortSignal.any([signal, connection.closing]);
    const following = reader.join(id);
    let cursor = after;
    let missed = 0;
    try {
      while (!over.aborted) {
        const isAtEdge = following.isAtEdge(cursor);
        const chunk = isAtEdge ? log.atHand(id, cursor) : await connection.repeat(() => log.chunkAfter(id, cursor));
        if (chunk !== undefined) {
          yield chunk;
          missed = 0;
          cursor = chunk.at(-1)?.seq ?? cursor;
          // A long log must not keep everybody else waiting.
          await nextTurn();
          continue;
        }
        if (!isAtEdge) {
          const state = await connection.repeat(() => log.state(id));
          if (state === undefined) return;
          if (cursor < state.lines) {
            if (++missed >= TRIES) throw new Error(`the log of job ${id} lacks what comes after entry ${cursor}`);
            continue;
          }
          if (state.isOver) return;
          following.start(state.lines);
        }
        // Between looking at the edge and waiting nothing else runs, so no ring is missed.
        if (following.isAtEdge(cursor)) await following.news(over);
      }
    } catch (error) {
      if (!connection.closing.aborted) throw error;
    } finally {
      following.leave();
    }
  };
}
