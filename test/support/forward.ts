import { connect, createServer, type NetConnectOpts } from 'node:net';

/**
 * A program that hands connections on between a TCP port and a Unix socket, which reaches into network namespaces where addresses don't:
 * `forward.ts FROM TO`, each a path or `HOST:PORT`. Says `ready` when it listens.
 */
const [from = '', to = ''] = process.argv.slice(2);

function endpoint(text: string): NetConnectOpts {
  const [, host = '', port] = /^([\w.]+):(\d+)$/.exec(text) ?? [];
  return port === undefined ? { path: text } : { host, port: Number(port) };
}

const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ ...endpoint(to), allowHalfOpen: true });
  for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
    socket.on('error', () => other.destroy()).on('close', () => other.end());
    socket.pipe(other);
  }
});
server.listen(endpoint(from), () => process.stdout.write('ready\n'));
process.once('SIGTERM', () => process.exit(0));
