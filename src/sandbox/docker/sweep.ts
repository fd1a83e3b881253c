import { z } from 'zod';
import { EngineError, type EngineClient } from './client.ts';
import { isKnownDead } from './owner.ts';
import { LABELS } from './plan.ts';

const containers = z.array(z.object({ Id: z.string(), State: z.string(), Created: z.number(), Labels: z.record(z.string(), z.string()) }));
const ending = z.object({ State: z.object({ FinishedAt: z.iso.datetime({ offset: true }) }) });

/** A living service starts a container as soon as it is made, and removes one as soon as it has ended. */
const ABANDONED_UNSTARTED_MS = 300_000;
const ABANDONED_ENDED_MS = 5000;

/**
 * Removes containers that dead services have left: at once where their process can be seen to be gone, and else what has ended and was not
 * removed. What still runs ends by itself when its service is gone, wherever that was.
 */
export async function sweep(client: EngineClient): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABELS.owner] }));
  const { body, date } = await client.call('GET', `/containers/json?all=1&filters=${filters}`);
  for (const { Id, State, Created, Labels } of containers.parse(body)) {
    const abandoned =
      isKnownDead(Labels[LABELS.owner] ?? '') ||
      (State === 'created' && date - Created * 1000 > ABANDONED_UNSTARTED_MS) ||
      (['exited', 'dead'].includes(State) && date - (await endOf(client, Id)) > ABANDONED_ENDED_MS);
    if (abandoned) await removeContainer(client, Id);
  }
}

/** When a container ended, by the engine's clock; never, for one that is gone. */
async function endOf(client: EngineClient, id: string): Promise<number> {
  try {
    return Date.parse(ending.parse((await client.call('GET', `/containers/${id}/json`)).body).State.FinishedAt);
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return Infinity;
    throw error;
  }
}

/** Ends a container and removes it with all that is in it. One that is gone already is no error. */
export async function removeContainer(client: EngineClient, id: string): Promise<void> {
  await client.call('DELETE', `/containers/${id}?force=1&v=1`).catch((error: unknown) => {
    // 409: somebody else is removing it.
    if (!(error instanceof EngineError) || (error.status !== 404 && error.status !== 409)) throw error;
  });
}
