import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback, type Config } from '../config.ts';
import { StartError } from '../errors.ts';
import { tokenCheck, type Exposition } from '../http/metrics.ts';
import type { UndoList } from './undo-list.ts';

/** A worker of its own answers no requests but these: GET /metrics, where it is told a port for it. Resolves with the port. */
export async function exposeWorkerMetrics(config: Config, expose: Exposition | undefined, undo: UndoList): Promise<number | undefined> {
  const { WORKER_METRICS_HOST: host, WORKER_METRICS_PORT: port, METRICS_TOKEN: token } = config;
  if (expose === undefined || port === undefined) return undefined;
  if (!isLoopback(host) && token === undefined) {
    throw new StartError(
      `WORKER_METRICS_HOST=${host} would show the worker’s metrics to anybody.`,
      'set METRICS_TOKEN, or leave WORKER_METRICS_HOST unset',
    );
  }
  const isOpen = token === undefined ? () => true : tokenCheck(token);
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') response.writeHead(404).end();
    else if (!isOpen(request.headers.authorization)) response.writeHead(401, { 'www-authenticate': 'Bearer realm="job-runner"' }).end();
    else {
      expose().then(
        ({ contentType, text }) => response.setHeader('content-type', contentType).end(text),
        () => response.writeHead(500).end(),
      );
    }
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new StartError(`The worker’s metrics can’t listen on ${host}:${port}.`, 'choose another WORKER_METRICS_PORT', error);
  }
  undo.add(async () => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
