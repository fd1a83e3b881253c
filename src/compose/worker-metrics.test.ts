import { pino } from 'pino';
import { expect, it } from 'vitest';
import { metricsOf } from '../../test/support/metrics.ts';
import { readConfig } from '../config.ts';
import { StartError } from '../errors.ts';
import { undoList } from './undo-list.ts';
import { exposeWorkerMetrics } from './worker-metrics.ts';

const TOKEN = 'a-token-for-metrics-only';
const expose = async () => ({ contentType: 'text/plain', text: 'up 1\n' });

it('shows a worker’s metrics where it is told a port, to whoever has the token', async () => {
  const undo = undoList(pino({ level: 'silent' }));
  const port = await exposeWorkerMetrics(readConfig({ WORKER_METRICS_PORT: '0', METRICS_TOKEN: TOKEN }), expose, undo);
  const url = `http://127.0.0.1:${port}`;
  expect((await metricsOf(url, { authorization: `Bearer ${TOKEN}` })).get('up')).toBe(1);
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect((await fetch(`${url}/jobs`)).status).toBe(404);
  await undo.run();
  await expect(fetch(`${url}/metrics`)).rejects.toThrow('fetch failed');
});

it('shows them to nobody without a port, and to no strangers', async () => {
  const undo = undoList(pino({ level: 'silent' }));
  expect(await exposeWorkerMetrics(readConfig({}), expose, undo)).toBeUndefined();
  const open = readConfig({ WORKER_METRICS_PORT: '0', WORKER_METRICS_HOST: '0.0.0.0' });
  await expect(exposeWorkerMetrics(open, expose, undo)).rejects.toThrow(StartError);
});
