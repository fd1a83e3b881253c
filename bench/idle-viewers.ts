import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { memoryOf, statusWatcher } from './flood.ts';
import { submit } from './latency.ts';

const SETTLE_MS = 2000;
const WATCH_MS = 5000;
const TICKS_PER_SECOND = 100;

const cpuSeconds = async (pid: number | undefined): Promise<number> => {
  if (pid === undefined) return 0;
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** So many viewers of a job that says nothing: what they cost the service, in memory and in CPU. */
export async function connectViewers(
  base: string,
  count: number,
  pid: number | undefined,
): Promise<{ bytes: number; cpuPercent: number; statusP95: number }> {
  const id = await submit(base, 'import time; time.sleep(60)', { timeout_sec: 120 });
  const { hostname, port } = new URL(base);
  const before = await memoryOf(pid);
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(`GET /jobs/${id}/logs/stream HTTP/1.1\r\nHost: bench\r\n\r\n`);
    sockets.push(socket);
    if (i % 200 === 199) await new Promise((resolve) => socket.once('data', resolve));
  }
  await wait(SETTLE_MS);
  const connected = sockets.filter((socket) => !socket.destroyed && socket.bytesRead > 0).length;
  if (connected !== count) throw new Error(`only ${connected} of ${count} viewers are served`);
  const status = await statusWatcher(base);
  status.watch(id);
  const cpuBefore = await cpuSeconds(pid);
  await wait(WATCH_MS);
  const cpuPercent = (((await cpuSeconds(pid)) - cpuBefore) / (WATCH_MS / 1000)) * 100;
  const bytes = (await memoryOf(pid)) - before;
  const statusP95 = await status.stop();
  for (const socket of sockets) socket.destroy();
  await fetch(`${base}/jobs/${id}/cancel`, { method: 'POST' });
  return { bytes, cpuPercent, statusP95 };
}
