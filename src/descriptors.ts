import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { lacksDescriptors } from './errors.ts';

/** What a job that starts or ends needs at most, and as much again for what goes on beside it. */
const ENOUGH = 64;
const LOOK_MS = 200;

function areThereEnough(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < ENOUGH) opened.push(openSync(devNull, 'r'));
    return true;
  } catch (error) {
    if (lacksDescriptors(error)) return false;
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** File descriptors may be used up for a while, which is nobody's fault whose job needs one. Resolves when there are enough again, or when the signal aborts. */
export async function untilDescriptors(signal?: AbortSignal): Promise<void> {
  while (signal?.aborted !== true && !areThereEnough()) await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
}
