import { createDiskArtifacts } from '../src/artifacts/disk.ts';
import { lines, RUNTIME, succeeded } from '../src/store/contract/jobs-for-tests.contract.ts';
import { createRedisStore } from '../src/store/redis.ts';

/** The process that writes a log for bench/scale.ts. */

const LEASE_MS = 60_000;
const BATCH = 500;

const [url = '', dir = '', count = '0'] = process.argv.slice(2);
const store = createRedisStore({
  url,
  prefix: 'lines',
  archive: createDiskArtifacts({ dir }),
  leaseMs: LEASE_MS,
  keepMs: 0,
  warn: (what, error) => process.stderr.write(`${what} ${String(error)}\n`),
});
const claim = await store.claim({ worker: 'bench', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: new AbortController().signal });
if (claim === undefined) throw new Error('there is no job to claim');
const batch = lines(BATCH);
for (let written = 0; written < Number(count); written += BATCH) await store.append(claim.lease, batch);
await store.finish(claim.lease, succeeded());
await store.close();
process.exit(0);
