import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { openConnection } from './redis-connection.ts';
import { startErrorFor } from './redis-errors.ts';

it('tells a Redis that hangs up on other machines what it lacks', async () => {
  // What one in protected mode does to whoever comes from elsewhere; a test comes from this machine.
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = openConnection({ url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}/0`, commandTimeoutMs: 1000 });
  try {
    const error = await connection.run(() => connection.client.ping()).catch((caught: unknown) => caught);
    expect(startErrorFor(error, connection.where)).toMatchObject({
      message: expect.stringContaining('hangs up on us'),
      remedy: expect.stringContaining('requirepass'),
    });
  } finally {
    connection.close();
    server.close();
  }
});
