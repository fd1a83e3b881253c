import { once } from 'node:events';
import { createServer } from 'node:net';
import { createHash } from 'node:crypto';
import { errnoOf, StartError } from '../errors.ts';

/** A number that no other process of this host has for the same data folder, however this one ends. */
export interface HostPlace {
  index: number;
  release(): Promise<void>;
}

const MAX_PLACES = 256;

/**
 * Takes the first free number. Workers that share a host and a data folder need different control groups and users for their jobs; one that
 * takes a dead one's number sweeps what that left. The lock is a socket in Linux' abstract namespace: it has no file, and goes with its process.
 */
export async function takePlace(dataDir: string): Promise<HostPlace> {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  for (let index = 0; index < MAX_PLACES; index += 1) {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.listen(`\0job-runner/${name}/${index}`);
    try {
      await once(server, 'listening');
    } catch (error) {
      if (errnoOf(error) === 'EADDRINUSE') continue;
      throw error;
    }
    return {
      index,
      async release() {
        server.close();
        await once(server, 'close');
      },
    };
  }
  throw new StartError(`There are ${MAX_PLACES} workers on this host already.`, 'give this one a JOB_DATA_DIR of its own');
}
