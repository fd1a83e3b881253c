import type { Server } from 'node:http';
import { isIPv4, type Socket } from 'node:net';
import { ApiError } from '../errors.ts';
import { answerRaw } from './client-error.ts';

export interface ConnectionLimits {
  /** Undefined: as many as the system allows. */
  all: number | undefined;
  /** Of one address; this machine's own, from which proxies call for everybody, are not counted. */
  perAddress: number | undefined;
}

const REFUSAL = new ApiError('unavailable', 'there are too many connections; try again', { headers: { 'retry-after': '5' } });

/** As one: a client has all addresses of its IPv6 network (RFC 6177), so these count as one by their first 64 bits. */
export function addressKey(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIPv4(plain)) return plain.startsWith('127.') ? undefined : plain;
  if (plain === '::1') return undefined;
  const [head = '', tail] = plain.split('%', 1)[0]?.split('::') ?? [];
  const groups = head.split(':').filter((group) => group !== '');
  // What `::` stands for is zeros; of those only the ones among the first four groups matter.
  const rest = (tail ?? '').split(':').filter((group) => group !== '');
  while (tail !== undefined && groups.length + rest.length < 8) groups.push('0');
  return [...groups, ...rest].slice(0, 4).join(':');
}

/** Refuses connections beyond the limits, in a word of HTTP, before anything of them is read. */
export function boundConnections(server: Server, { all = Infinity, perAddress = Infinity }: ConnectionLimits): void {
  if (all === Infinity && perAddress === Infinity) return;
  let count = 0;
  const byAddress = new Map<string, number>();
  server.prependListener('connection', (socket: Socket) => {
    const key = addressKey(socket.remoteAddress ?? '');
    const ofAddress = key === undefined ? 0 : (byAddress.get(key) ?? 0);
    if (count >= all || ofAddress >= perAddress) {
      answerRaw(REFUSAL, socket);
      return;
    }
    count += 1;
    if (key !== undefined) byAddress.set(key, ofAddress + 1);
    socket.once('close', () => {
      count -= 1;
      if (key === undefined) return;
      const left = (byAddress.get(key) ?? 1) - 1;
      if (left === 0) byAddress.delete(key);
      else byAddress.set(key, left);
    });
  });
}
