import { z } from 'zod';
import { EngineError, type EngineClient } from './client.ts';
import { isKnownDead } from './owner.ts';
import { LABELS } from './plan.ts';

const containers = z.array(z.object({ Id: z.string(), State: z.string(), Created: z.number(), Labels: z.record(z.string(), z.string()) }));

/** Living services remove theirs long before. */
const ABANDONED_MS = 300_000;

/**
 * Removes containers that dead services have left: at once where their process can be seen to be gone, and else what has ended and was not
 * removed. What still runs ends by itself when its service is gone, wherever that was.
 */
export async function sweep(client: EngineClient): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABELS.owner] }));
  const { body, date } = await client.call('GET', `/containers/json?all=1&filters=${filters}`);
  for (const { Id, State, Created, Labels } of containers.parse(body)) {
    const abandoned = State !== 'running' && date - Created * 1000 > ABANDONED_MS;
    if (abandoned || isKnownDead(Labels[LABELS.owner] ?? '')) await removeContainer(client, Id);
  }
}

/** Ends a container and removes it with all that is in it. One that is gone already is no error. */
export async function removeContainer(client: EngineClient, id: string): Promise<void> {
  await client.call('DELETE', `/containers/${id}?force=1&v=1`).catch((error: unknown) => {
    // 409: somebody else is removing it.
    if (!(error instanceof EngineError) || (error.status !== 404 && error.status !== 409)) throw error;
  });
}
