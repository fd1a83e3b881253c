// Whether the API of this container answers; a worker's answers no requests, and runs as long as its container does. 0: it is well.
import { readFileSync } from 'node:fs';

const isWorker = readFileSync('/proc/1/cmdline', 'utf8').split('\0').includes('worker');
const answers = () =>
  fetch(`http://127.0.0.1:${process.env.PORT || 8000}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
process.exit(isWorker || (await answers()) ? 0 : 1);
