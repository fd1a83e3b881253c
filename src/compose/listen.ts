import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { errnoOf, StartError } from '../errors.ts';

/** Listens where the configuration says and returns the address as a URL. Throws a StartError where that can't be. */
export async function listen(app: FastifyInstance, config: Config): Promise<string> {
  try {
    await app.listen({ host: config.HOST, port: config.PORT });
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE') {
      throw new StartError(
        `Port ${config.PORT} on ${config.HOST} is taken by another program.`,
        `choose another one, such as PORT=${config.PORT + 1} npm start`,
        error,
      );
    }
    if (errnoOf(error) === 'EADDRNOTAVAIL')
      throw new StartError(`${config.HOST} is no address of this machine.`, 'leave HOST unset to listen on 127.0.0.1', error);
    if (errnoOf(error) === 'EACCES')
      throw new StartError(`This user may not listen on port ${config.PORT}.`, 'choose a port above 1023, such as PORT=8000', error);
    throw error;
  }
  const { address, family, port } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
