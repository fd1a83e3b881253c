import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, 'forward.ts');

export interface Forwarding {
  close(): Promise<void>;
}

/** Hands connections on (forward.ts), from the network namespace of this process or of another one. */
export async function forward(from: string, to: string, namespaceOf?: number): Promise<Forwarding> {
  const [program, ...args] = [process.execPath, PROGRAM, from, to] as const;
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  const child =
    namespaceOf === undefined
      ? spawn(program, args, { stdio })
      : spawn('nsenter', ['--target', String(namespaceOf), '--net', program, ...args], { stdio });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  return {
    async close() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

/** A port here that leads to a port of another network namespace, by a socket in a folder: files both have in common. */
export async function forwardInto(pid: number, port: number, folder: string): Promise<Forwarding & { url: string }> {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port: own } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  const path = join(folder, `${port}.sock`);
  const parts = [await forward(path, `127.0.0.1:${port}`, pid), await forward(`127.0.0.1:${own}`, path)];
  return {
    url: `http://127.0.0.1:${own}`,
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    },
  };
}
