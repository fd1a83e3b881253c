import { rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from './store.ts';

/** Enough for the ends of hundreds of jobs, which are a few pages each. */
const RESERVE_BYTES = 1024 * 1024;
/** Taken only where much more than itself is free. */
const PLENTY = 8;

/**
 * Room on the disk that is kept back for ends: on a full disk jobs can't go on, but they can be over. A file that is removed when the
 * disk is full, and made again when there is plenty of room.
 */
export interface Reserve {
  /** Runs a change; when it finds the disk full, runs it once more with the reserve's room. */
  spend<T>(change: () => T): T;
  /** Makes the reserve again where it is gone and there is room. To be called now and then. */
  refill(): void;
}

export function createReserve(path: string): Reserve {
  let held = false;

  const refill = (): void => {
    if (held) return;
    try {
      const { bavail, bsize } = statfsSync(dirname(path));
      if (bavail * bsize < PLENTY * RESERVE_BYTES) return;
      writeFileSync(path, Buffer.alloc(RESERVE_BYTES, 1), { mode: 0o600 });
      held = statSync(path).size === RESERVE_BYTES;
    } catch {
      // Without a reserve a full disk lasts longer; that is no reason not to work.
      rmSync(path, { force: true });
    }
  };

  refill();
  return {
    spend(change) {
      try {
        return change();
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== 'full' || !held) throw error;
        rmSync(path, { force: true });
        held = false;
        return change();
      }
    },
    refill,
  };
}
