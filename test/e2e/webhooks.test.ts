import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLine } from '../support/command-line.ts';
import { serviceHome, type ServiceHome } from '../support/service.ts';

const KEY = Buffer.alloc(32, 3);
const variables = { WEBHOOK_SECRET: `whsec_${KEY.toString('base64')}`, WEBHOOK_ALLOW_PRIVATE: '127.0.0.1' };

let home: ServiceHome;
beforeAll(async () => {
  home = await serviceHome();
});
afterAll(() => home?.close());

/** Resolves with the first message that comes to a port. */
function receive(port: number): { listening: Promise<Server>; message: Promise<{ headers: IncomingHttpHeaders; body: string }> } {
  const { promise: message, resolve } = Promise.withResolvers<{ headers: IncomingHttpHeaders; body: string }>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.end();
      resolve({ headers: request.headers, body });
    });
  });
  return { message, listening: new Promise((listening) => server.listen(port, '127.0.0.1', () => listening(server))) };
}

it('tells a callback of a job that ended while nobody listened, after a kill -9 of the service', async () => {
  const reserved = await receive(0).listening;
  const { port } = reserved.address() as AddressInfo;
  await new Promise((resolve) => reserved.close(resolve));

  const first = await home.start({ ...variables, LOG_LEVEL: 'info' });
  const body = new FormData();
  body.append('spec', JSON.stringify({ callback_url: `http://127.0.0.1:${port}/done` }));
  body.append('code_files', new File(['print("done")'], 'main.py'));
  const answer = await fetch(`${first.url}/jobs/sync`, { method: 'POST', body });
  const { job_id: id } = (await answer.json()) as { job_id: string };
  await expect.poll(first.said).toContain('the callback could not be told; trying again later');
  await first.kill('SIGKILL');

  const { listening, message } = receive(port);
  const receiver = await listening;
  const second = await home.start(variables);
  const { headers, body: told } = await message;
  receiver.close();
  expect(JSON.parse(told)).toMatchObject({ type: 'job.finished', data: { job: { id, status: 'succeeded' } } });
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], told].join('.');
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`);
  await second.kill('SIGTERM');
});

it('is asked for on the command line, of a service that goes on', async () => {
  const { listening, message } = receive(0);
  const receiver = await listening;
  const callback = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/done`;
  const service = await home.start(variables);
  const run = ['run', '-c', 'print("told")', '--callback-url', callback];
  const cli = commandLine(home.dir, {});
  expect(await cli.run([...run, '--url', service.url])).toMatchObject({ code: 0, stdout: 'told\n' });
  expect(JSON.parse((await message).body)).toMatchObject({ data: { job: { status: 'succeeded' } } });
  receiver.close();
  const refused = await cli.run([...run, '--url', service.url, '--callback-url', 'nowhere']);
  expect(refused.stderr).toContain('--callback-url: ');
  expect((await cli.run([...run, '--url', 'local'])).stderr).toContain('--callback-url needs a service that goes on');
  await service.kill('SIGTERM');
});
