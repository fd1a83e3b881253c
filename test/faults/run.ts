import { parseArgs } from 'node:util';
import { hasRedis } from '../support/redis-server.ts';
import { runFaults, tableOf } from './faults.ts';

/**
 * `npm run faults [-- --seed N --workers 4 --jobs 300 --faults 30]`: a cluster at work while processes are killed, restarted and cut off. The same seed
 * plans the same faults. SANDBOX and the like are taken from the environment.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: '4' },
    jobs: { type: 'string', default: '300' },
    faults: { type: 'string', default: '30' },
  },
});

if (!hasRedis) {
  process.stderr.write('redis-server is not installed.\n  → sudo apt-get install -y --no-install-recommends redis-server\n');
  process.exit(1);
}
const passed = ['SANDBOX', 'USE_DOCKER', 'DOCKER_HOST', 'JOB_RUN_IMAGE', 'WARM_STARTS', 'CONCURRENCY', 'LOG_LEVEL'];
const report = await runFaults({
  seed: Number(values.seed),
  workers: Number(values.workers),
  jobs: Number(values.jobs),
  faults: Number(values.faults),
  leaseMs: 10_000,
  cutMs: 10_000,
  everyMs: 4000,
  variables: {
    CONCURRENCY: '4',
    ...Object.fromEntries(passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
  },
  say: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`\n${tableOf(report)}\n`);
for (const wrong of report.wrong.slice(0, 50)) process.stdout.write(`✗ ${wrong}\n`);
process.exit(report.wrong.length === 0 ? 0 : 1);
