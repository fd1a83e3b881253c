import { signal } from '@preact/signals';
import type { RuntimeView } from '../../src/client/client.ts';
import { client, get } from './connection.ts';

/** How the service is, asked now and then: what can run, and whether it can. */

export interface ReadinessPart {
  name: string;
  ok: boolean;
  detail: string;
  remedy?: string;
  guarantees?: Record<string, boolean>;
  notes?: string[];
}
export interface Readiness {
  ready: boolean;
  parts: ReadinessPart[];
}

export const runtimes = signal<RuntimeView[]>([]);
/** Undefined when it can't be had. */
export const readiness = signal<Readiness | undefined>(undefined);
export const isReachable = signal(true);

/** Soon again while something is about to change. */
const BUSY_MS = 3000;
const QUIET_MS = 30_000;

export async function lookAtService(): Promise<void> {
  try {
    const response = await get('readyz');
    isReachable.value = true;
    // Not being ready is an answer, too.
    if (response.ok || response.status === 503) readiness.value = (await response.json()) as Readiness;
    runtimes.value = await client.peek().runtimes({ signal: AbortSignal.timeout(QUIET_MS) });
  } catch (error) {
    if (error instanceof TypeError) isReachable.value = false;
  }
}

export function watchService(): void {
  const again = (): void => {
    const isBusy = !isReachable.value || readiness.value?.ready !== true || runtimes.value.some(({ state }) => state === 'preparing');
    setTimeout(() => void lookAtService().then(again), isBusy ? BUSY_MS : QUIET_MS);
  };
  void lookAtService().then(again);
}
