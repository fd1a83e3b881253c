import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns';
import { connect, isIPv6 } from 'node:net';

/** Asks the resolvers of this host: DNS messages as they are, over the transport that they came by. */
export type Upstream = (message: Buffer, byTcp: boolean) => Promise<Buffer>;

export interface NameServer {
  host: string;
  port: number;
}

/** A program asks again after 5 s; by then the second has had its turn. */
const TIMEOUT_MS = 2400;
const DNS_PORT = 53;
const MAX_SERVERS = 3;

/** Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
export function parseNameServer(text: string): NameServer {
  if (isIPv6(text)) return { host: text, port: DNS_PORT };
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? DNS_PORT : Number(port) };
}

/** As /etc/resolv.conf has them now. */
const hostServers = (): string[] => new Resolver().getServers();

/** `servers`: instead of the host's own. */
export function createUpstream(servers: readonly string[]): Upstream {
  return async (message, byTcp) => {
    const chosen = (servers.length > 0 ? servers : hostServers()).slice(0, MAX_SERVERS).map(parseNameServer);
    let failure: unknown;
    for (const server of chosen) {
      try {
        // Its own number, not the job's: an answer that was not asked for must be guessed.
        const id = randomInt(0x10000);
        const asked = Buffer.from(message);
        asked.writeUInt16BE(id, 0);
        const answer = await (byTcp ? askByTcp : askByUdp)(asked, server);
        answer.writeUInt16BE(message.readUInt16BE(0), 0);
        return answer;
      } catch (error) {
        failure = error;
      }
    }
    throw new Error('no name server answered', { cause: failure });
  };
}

function askByUdp(message: Buffer, { host, port }: NameServer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const settle = (error: Error | undefined, answer?: Buffer): void => {
      clearTimeout(timer);
      socket.close();
      if (answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer);
    };
    const timer = setTimeout(() => settle(new Error(`${host} is silent`)), TIMEOUT_MS);
    socket.once('error', (error) => settle(error));
    socket.on('message', (answer) => {
      if (answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0)) settle(undefined, answer);
    });
    // Connected: the kernel hands over what comes from there, and nothing else.
    socket.connect(port, host, () => socket.send(message));
  });
}

function askByTcp(message: Buffer, { host, port }: NameServer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    let received: Buffer = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error(`${host} is silent`)));
    socket.once('error', fail).once('end', () => fail(new Error(`${host} hung up`)));
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answer = received.subarray(2, 2 + received.readUInt16BE(0));
      if (answer.length < 12 || answer.readUInt16BE(0) !== message.readUInt16BE(0))
        return fail(new Error(`${host} answered something else`));
      socket.destroy();
      resolve(answer);
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
  });
}
