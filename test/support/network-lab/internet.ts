import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { createServer, isIPv6 } from 'node:net';
import { GATEWAY, HTTP_PORT, OTHER_PORT, PORT, PUBLIC, SPECIAL_HOSTS } from './addresses.ts';
import { startNameServer } from './name-server.ts';

/** Run in a network namespace of its own: every host there is, public or not, as far as the machine under test knows. */

const ip = (...words: string[]): void => {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Says under which address it was reached; then repeats what it is sent. */
async function startHosts(addresses: readonly string[]): Promise<void> {
  for (const port of [PORT, OTHER_PORT]) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(`${socket.localAddress?.replace('::ffff:', '')} ${port}\n`);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(port, '::', 1024, resolve));
  }
  for (const address of addresses) {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.on('message', (message, from) => socket.send(`${address} says ${message.toString()}`, from.port, from.address));
    await new Promise<void>((resolve) => socket.bind(PORT, address, resolve));
  }
  // Public, but sends whoever asks on to the metadata.
  const web = createHttpServer((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: `http://169.254.169.254:${HTTP_PORT}/secret` }).end();
    else response.end(`${request.socket.localAddress?.replace('::ffff:', '')} has ${request.url}`);
  });
  await new Promise<void>((resolve) => web.listen(HTTP_PORT, '::', resolve));
}

process.once('message', () => {
  void (async () => {
    ip('link', 'set', 'lo', 'up');
    ip('link', 'set', 'net', 'up');
    ip('addr', 'add', `${GATEWAY.link}/24`, 'dev', 'net');
    ip('-6', 'addr', 'add', `${GATEWAY.link6}/64`, 'dev', 'net', 'nodad');
    const addresses = [...Object.values(PUBLIC), ...Object.values(SPECIAL_HOSTS)];
    for (const address of addresses)
      ip('addr', 'add', `${address}/${isIPv6(address) ? 128 : 32}`, 'dev', 'lo', ...(isIPv6(address) ? ['nodad'] : []));
    await startHosts(addresses);
    await startNameServer(PUBLIC.dns);
    process.send?.('up');
  })();
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
