import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut and mended again, as networks and restarts do. */
export interface BreakableProxy {
  port: number;
  /** Ends all connections and takes no new ones. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function breakableProxy(target: { host: string; port: number } | { path: string }): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  const listen = async (port: number): Promise<number> => {
    const next = createServer((near) => {
      const far = connect(target);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => void (sockets.delete(socket), other.destroy()));
      }
    });
    server = next;
    await new Promise<void>((resolve, reject) => next.once('error', reject).listen(port, '127.0.0.1', resolve));
    return (next.address() as AddressInfo).port;
  };
  const port = await listen(0);
  return {
    port,
    async cut() {
      const closing = server;
      server = undefined;
      const closed = new Promise((resolve) => (closing === undefined ? resolve(undefined) : closing.close(resolve)));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async mend() {
      if (server === undefined) await listen(port);
    },
  };
}
