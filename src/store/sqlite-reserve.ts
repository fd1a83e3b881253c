import { rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from './store.ts';

/** Enough for the ends of hundreds of jobs, which are a few pages each, and for removing some. */
const RESERVE_BYTES = 1024 * 1024;
/** Given up one after the other: a change that finds no room once more may be the next one's, and not the same. */
const PIECE_BYTES = RESERVE_BYTES / 8;
/** Taken only where much more than itself is free. */
const PLENTY = 8;

/**
 * Room on the disk that is kept back for ends: on a full disk jobs can't go on, but they can be over, and be removed. A file that gets
 * shorter when the disk is full, and is made again when there is plenty of room.
 */
export interface Reserve {
  /** Runs a change; while it finds the disk full, runs it again with some of the reserve's room. */
  spend<T>(change: () => T): T;
  /** Makes the reserve whole again where there is room. To be called now and then. */
  refill(): void;
}

export function createReserve(path: string): Reserve {
  let held = 0;

  const refill = (): void => {
    if (held === RESERVE_BYTES) return;
    try {
      const { bavail, bsize } = statfsSync(dirname(path));
      if (bavail * bsize < PLENTY * RESERVE_BYTES) return;
      writeFileSync(path, Buffer.alloc(RESERVE_BYTES, 1), { mode: 0o600 });
      held = RESERVE_BYTES;
    } catch {
      // Without a reserve a full disk lasts longer; that is no reason not to work.
      rmSync(path, { force: true });
      held = 0;
    }
  };

  refill();
  return {
    spend(change) {
      for (;;) {
        try {
          return change();
        } catch (error) {
          if (!(error instanceof StoreError) || error.kind !== 'full' || held === 0) throw error;
          held -= PIECE_BYTES;
          truncateSync(path, held);
        }
      }
    },
    refill,
  };
}
