import { parentPort, workerData } from 'node:worker_threads';

/** Asks for a job's status again and again, in a thread that does nothing else; posts the times when told to stop. */

const EVERY_MS = 10;
const { base, id } = workerData as { base: string; id: string };
const times: number[] = [];
let stopped = false;
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
