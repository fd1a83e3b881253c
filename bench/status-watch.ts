import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

/** Asks for a job's status again and again, in a thread that does nothing else; posts the times when told to stop. */

const EVERY_MS = 10;
const WARM_UP = 50;
const { base } = workerData as { base: string };
const times: number[] = [];
// What is to be measured is the service, not how this client fares beside its own fifty viewers. Of this thread only (setpriority(2)).
if (process.getuid?.() === 0) setPriority(0, -10);
let stopped = false;
// The first requests measure this thread's own start.
for (let i = 0; i < WARM_UP; i++) await (await fetch(`${base}/healthz`)).arrayBuffer();
parentPort?.postMessage('ready');
const id = await new Promise<string>((resolve) => parentPort?.once('message', resolve));
parentPort?.once('message', () => {
  stopped = true;
});
while (!stopped) {
  const begun = performance.now();
  await (await fetch(`${base}/jobs/${id}`)).arrayBuffer();
  times.push(performance.now() - begun);
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
parentPort?.postMessage(times);
