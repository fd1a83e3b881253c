import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be cut, as a network between two hosts can. */
export interface TcpProxy {
  port: number;
  /** From now on nothing comes through, in either direction, and nobody is told: connections stay open and are silent. */
  cut(): void;
  /** Connections made from now on come through; those of before are gone. */
  mend(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      // A silent network brings no news of the other side's end either.
      if (isCut) return;
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on('error', () => undefined).on('close', end);
    near.on('data', (part) => isCut || far.write(part));
    far.on('data', (part) => isCut || near.write(part));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const dropAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
    },
    mend() {
      dropAll();
      isCut = false;
    },
    async close() {
      dropAll();
      server.close();
      await once(server, 'close');
    },
  };
}
