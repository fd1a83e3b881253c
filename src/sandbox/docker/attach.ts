import type { Socket } from 'node:net';
import { z } from 'zod';
import { SandboxUnavailable } from '../sandbox.ts';
import { EngineError, type EngineClient } from './client.ts';
import { removeContainer } from './sweep.ts';

/** A container of ours with the line to its first process: what it says comes multiplexed, what is written it reads. */
export interface Attached {
  id: string;
  socket: Socket;
}

const created = z.object({ Id: z.string() });

/** Makes a container that has not started yet. Throws SandboxUnavailable when its image is gone: whoever looks for images will see that soon. */
export async function createContainer(client: EngineClient, body: object, path = '/containers/create'): Promise<string> {
  try {
    return created.parse((await client.call('POST', path, body)).body).Id;
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) throw new SandboxUnavailable(error.message, { cause: error });
    throw error;
  }
}

/** Takes over a new container's streams and starts it, once `ready` has come about. It is removed when that fails. */
export async function startAttached(client: EngineClient, id: string, ready?: Promise<void>): Promise<Attached> {
  let socket: Socket | undefined;
  try {
    // Before it starts: what its first process says is not to be missed, and its input not to be at its end.
    socket = await client.upgrade(`/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    // Heard by whom it is given to; until then nobody is there.
    socket.on('error', () => undefined);
    await ready;
    await client.call('POST', `/containers/${id}/start`);
    if (socket.destroyed) throw new Error('the engine hung up');
    return { id, socket };
  } catch (error) {
    socket?.destroy();
    await removeContainer(client, id).catch(() => undefined);
    throw error;
  }
}
