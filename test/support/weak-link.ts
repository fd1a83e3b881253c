import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A connection to a service that can be cut, as networks do it: whoever uses it finds it gone in the middle of a word. */
export interface WeakLink {
  url: string;
  /** Breaks what is open, and refuses what comes, until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function weakLink(to: string): Promise<WeakLink> {
  const { hostname, port } = new URL(to);
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.resetAndDestroy();
      return;
    }
    const service = connect(Number(port), hostname);
    for (const [from, into] of [
      [client, service],
      [service, client],
    ] as const) {
      open.add(from);
      from.pipe(into);
      from
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(from);
          into.destroy();
        });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      for (const socket of open) socket.resetAndDestroy();
    },
    mend() {
      isCut = false;
    },
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
