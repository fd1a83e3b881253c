import { z } from 'zod';
import { EngineError, type EngineClient } from './client.ts';
import { containerOf, isKnownDead, ownContainer, ownName } from './owner.ts';
import { LABELS } from './plan.ts';

const containers = z.array(z.object({ Id: z.string(), State: z.string(), Created: z.number(), Labels: z.record(z.string(), z.string()) }));
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const inspected = z.object({ State: z.object({ Running: z.boolean(), StartedAt: time, FinishedAt: time }) });

type State = z.output<typeof inspected>['State'];

/** A living service starts a container as soon as it is made, and removes one as soon as it has ended. */
const ABANDONED_UNSTARTED_MS = 300_000;
const ABANDONED_ENDED_MS = 5000;

/** Names this process for an engine: with the container that it is in, when that is one of the engine's. */
export async function nameFor(client: EngineClient): Promise<string> {
  const container = ownContainer();
  return ownName(container !== undefined && (await stateOf(client, container)) !== undefined ? container : undefined);
}

/**
 * Removes containers that dead services have left: at once where their process, or the container that it was in, can be seen to be gone, and
 * else what has ended and was not removed. What still runs ends by itself when its service is gone, wherever that was.
 * Returns what the engine says of those that it fails to look at or to remove; they keep nobody from the others.
 */
export async function sweep(client: EngineClient): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [LABELS.owner] }));
  const { body, date } = await client.call('GET', `/containers/json?all=1&filters=${filters}`);
  const homes = new Map<string, Promise<State | undefined>>();

  /** Whether the container that a service was in has ended, or has started anew since the service made something, to the second. */
  async function isHomeless(owner: string, createdAt: number): Promise<boolean> {
    const home = containerOf(owner);
    if (home === undefined) return false;
    const asked = homes.get(home) ?? stateOf(client, home);
    homes.set(home, asked);
    const state = await asked;
    return state?.Running !== true || state.StartedAt >= createdAt + 1000;
  }

  const failures: string[] = [];
  for (const { Id, State, Created, Labels } of containers.parse(body)) {
    const owner = Labels[LABELS.owner] ?? '';
    const createdAt = Created * 1000;
    try {
      const abandoned =
        isKnownDead(owner) ||
        (await isHomeless(owner, createdAt)) ||
        (State === 'created' && date - createdAt > ABANDONED_UNSTARTED_MS) ||
        (['exited', 'dead'].includes(State) && date - ((await stateOf(client, Id))?.FinishedAt ?? Infinity) > ABANDONED_ENDED_MS);
      if (abandoned) await removeContainer(client, Id);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      failures.push(`${Id.slice(0, 12)}: ${error.message}`);
    }
  }
  return failures;
}

/** By the engine's clock; undefined for a container that the engine does not have. */
async function stateOf(client: EngineClient, id: string): Promise<State | undefined> {
  try {
    return inspected.parse((await client.call('GET', `/containers/${id}/json`)).body).State;
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
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
