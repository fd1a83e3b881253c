import { afterAll, beforeAll, describe } from 'vitest';
import type { Dockerd } from '../../test/support/dockerd.ts';
import { GVISOR, startWithGvisor, whyNoGvisor } from '../../test/support/gvisor.ts';
import { openOn } from './contract/engine.contract.ts';
import { sandboxContract } from './sandbox.contract.ts';

const BUILD_MS = 10 * 60_000;
const missing = whyNoGvisor();

describe.skipIf(missing !== undefined)(`docker with gVisor${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd;
  beforeAll(async () => {
    docker = await startWithGvisor();
  }, BUILD_MS);
  afterAll(() => docker?.close());

  sandboxContract('docker with gVisor', async () => ({
    ...(await openOn(docker, { runtime: GVISOR })),
    gvisor: true,
    close: async () => undefined,
  }));
});
