import { describe, expect, it } from 'vitest';
import { soak } from '../../../test/support/warm-soak.ts';

/** The long version is `node bench/warm-soak.ts`. This one takes 10 s where the machine has nothing else to do. */
const TIMEOUT_MS = 300_000;

describe('many warm starts in a row', () => {
  it('lose no job and leave nothing behind, while the fork servers are killed at random moments', { timeout: TIMEOUT_MS }, async () => {
    const seed = Date.now() % 2 ** 31;
    const result = await soak({ jobs: 150, kills: 20, seed, atOnce: 2 });
    const nothing = { processes: 0, namespaces: 0, mounts: 0, cgroups: 0, folders: 0 };
    expect({ seed, wrong: result.wrong, closed: result.closed }).toEqual({ seed, wrong: [], closed: nothing });
    expect(result.kills).toBeGreaterThan(10);
    expect(result.starts.warm).toBeGreaterThan(0);
    expect(result.descriptors.after).toBeLessThanOrEqual(result.descriptors.before + 2);
  });
});
