import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from '../sandbox/sandbox.ts';

const LOOK_MS = 1000;

/** A sandbox that can start nothing is nobody's fault whose job needs it. Resolves when it can again, or when the signal aborts. */
export async function untilAvailable(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  for (let works = false; !works;) {
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    works = await sandbox.check().then(
      () => true,
      () => false,
    );
  }
}
