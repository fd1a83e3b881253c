import { describe, expect, it } from 'vitest';
import { runFaults } from '../faults/faults.ts';
import { skipRedis } from '../support/redis-server.ts';

const SEED = 20_261_125;

// `npm run faults` is the long one.
describe.skipIf(skipRedis)('a cluster in which things go wrong', () => {
  it('ends every accepted job once, with its whole log and its artifact, and leaves nothing behind', { timeout: 300_000 }, async () => {
    const said: string[] = [];
    const report = await runFaults({
      seed: SEED,
      workers: 2,
      jobs: 40,
      faults: 6,
      leaseMs: 2500,
      cutMs: 3500,
      everyMs: 1000,
      variables: { CONCURRENCY: '2', WARM_STARTS: '0' },
      say: (line) => said.push(line),
    });
    expect({ wrong: report.wrong, said: report.wrong.length > 0 ? said : [] }).toEqual({ wrong: [], said: [] });
    expect(report).toMatchObject({ jobs: 40, succeeded: 40 });
  });
});
