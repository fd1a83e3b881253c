import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPodman, whyNoPodman, type Podman } from '../../test/support/podman.ts';
import { engineContract, LIMITS, openOn } from './contract/engine.contract.ts';
import { openRuns } from './contract/runs.contract.ts';
import { DEFAULT_EGRESS } from './egress/serve.ts';
import { NetworkUnavailable } from './sandbox.ts';

/** The driver `docker` on the other engine that has its API. */

const BUILD_MS = 10 * 60_000;
const missing = whyNoPodman();

// Reported where there is no root or no podman; in continuous integration that fails.
describe.skipIf(missing !== undefined)(`podman${missing === undefined ? '' : ` (${missing})`}`, () => {
  let podman: Podman;
  beforeAll(async () => {
    podman = await startPodman();
  }, BUILD_MS);
  afterAll(() => podman?.close());

  engineContract(
    'podman',
    () => podman,
    // The Podman of this machine's packages can't change a running container's limits.
    {
      fits: ({ diskBytes, memoryBytes, cpus, pids }) =>
        diskBytes === LIMITS.diskBytes && memoryBytes === LIMITS.memoryBytes && cpus === LIMITS.cpus && pids === LIMITS.pids,
      fullOfFilesIsLost: true,
    },
  );

  it('makes containers with no right, network or swap, and with none of the job’s words', async () => {
    const opened = await openOn(podman);
    const runs = await openRuns({ ...opened, close: () => opened.sandbox.close() });
    const words = 'word-of-the-job';
    const { running } = await runs.begin('print("up", flush=True); import time; time.sleep(60)', {
      args: [words],
      env: { WORD: words },
      stdin: words,
    });
    await running.output[Symbol.asyncIterator]().next();
    const said = await podman.cli(['inspect', (await podman.cli(['ps', '--quiet'])).trim()]);
    await running.dispose();
    await runs.close();
    expect(said).not.toContain(words);
    const [{ HostConfig: made, Mounts: mounts }] = JSON.parse(said);
    expect(made).toMatchObject({
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Privileged: false,
      PidsLimit: LIMITS.pids + 1,
    });
    expect(made.MemorySwap).toBe(made.Memory);
    expect(mounts).toEqual([]);
  });

  it('gives no job a network, and says where one is to be had', async () => {
    const { sandbox, interpreter } = await openOn(podman, { egress: DEFAULT_EGRESS });
    expect((await sandbox.check()).outbound).toEqual({
      possible: false,
      reason: 'containers of Podman’s get none from here',
      remedy: 'use Docker’s engine, or bubblewrap, for such jobs',
    });
    const runs = await openRuns({ sandbox, interpreter, close: () => sandbox.close() });
    await expect(runs.begin('print(1)', { network: 'outbound' })).rejects.toThrow(NetworkUnavailable);
    await runs.close();
  });
});
