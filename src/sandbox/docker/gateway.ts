import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { SIGN_OF_LIFE } from '../egress/channel.ts';
import { NetworkUnavailable } from '../sandbox.ts';
import { createContainer, startAttached } from './attach.ts';
import type { EngineClient } from './client.ts';
import { createDemultiplexer } from './demultiplex.ts';
import { removeContainer } from './sweep.ts';

/** The container that a job's network belongs to: it has the filter, and the resolver's port, and no byte of the job's. */
export interface Gateway {
  id: string;
  /** Resolves when the rules are in place: a job may join. Rejects with NetworkUnavailable when they can't be. */
  ready: Promise<void>;
  /** Resolves when it is over, for whatever reason: by then nothing gets out of the network any more. */
  gone: Promise<void>;
  /** Ends and removes it. */
  remove(): Promise<void>;
}

const PING_MS = 15_000;
const MAX_ERROR_BYTES = 4096;

/** Makes one; `serve` takes up the service's part, over the line to it and from the address that the engine was reached at. */
export async function openGateway(
  client: EngineClient,
  body: object,
  serve: (line: Duplex, engineAddress: string | undefined) => Promise<void>,
): Promise<Gateway> {
  const id = await createContainer(client, body);
  const over = Promise.withResolvers<void>();
  const started = startAttached(client, id);
  const ready = (async () => {
    const { socket } = await started;
    const { line, errorText } = lineOver(socket);
    line.once('close', over.resolve);
    try {
      await serve(line, socket.remoteAddress?.split('%')[0]);
    } catch (error) {
      throw new NetworkUnavailable(`${error instanceof Error ? error.message : String(error)} ${errorText()}`.trim(), { cause: error });
    }
  })();
  ready.catch(over.resolve);

  return {
    id,
    ready,
    gone: over.promise,
    async remove() {
      const attached = await started.catch(() => undefined);
      attached?.socket.destroy();
      await removeContainer(client, id);
    },
  };
}

/** The plain bytes of an attached connection, both ways, with a sign of life now and then. */
function lineOver(socket: Socket): { line: Duplex; errorText(): string } {
  const parts = createDemultiplexer();
  let errorText = '';
  const line = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => void socket.write(bytes, done),
    destroy(error, done) {
      clearInterval(pinging);
      socket.destroy();
      done(error);
    },
  });
  line.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    for (const { stream, bytes } of parts(data)) {
      if (stream === 1) line.push(bytes);
      else errorText = (errorText + bytes.toString('utf8')).slice(-MAX_ERROR_BYTES);
    }
  });
  socket.once('end', () => line.destroy()).once('close', () => line.destroy());
  const pinging = setInterval(() => line.write(SIGN_OF_LIFE), PING_MS);
  pinging.unref();
  return { line, errorText: () => errorText };
}
