import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dockerd } from '../../test/support/dockerd.ts';
import { GVISOR, startWithGvisor, whyNoGvisor } from '../../test/support/gvisor.ts';
import { LIMITS, openOn } from './contract/engine.contract.ts';
import { openRuns } from './contract/runs.contract.ts';
import { sandboxContract } from './sandbox.contract.ts';
import type { RunSpec, StartPath } from './sandbox.ts';

const BUILD_MS = 10 * 60_000;
const missing = whyNoGvisor();

// Reported where there is no root, or no runsc among the distribution's packages.
describe.skipIf(missing !== undefined)(`docker with gVisor${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd;
  beforeAll(async () => {
    docker = await startWithGvisor();
  }, BUILD_MS);
  afterAll(() => docker?.close());

  sandboxContract('docker with gVisor', async () => ({
    ...(await openOn(docker, { runtime: GVISOR })),
    gvisor: true,
    fullOfFilesIsLost: true,
    close: async () => undefined,
  }));

  it('has containers wait for jobs with the usual limits; others start cold, and nobody is troubled', async () => {
    const troubles: string[] = [];
    const events = { trouble: (what: string) => troubles.push(what) };
    const { sandbox, interpreter } = await openOn(docker, {
      runtime: GVISOR,
      warm: { rules: { size: 1, waitMs: 30_000 }, limits: LIMITS, events },
    });
    sandbox.anticipate(interpreter);
    const said: string[] = [];
    const pathOf = ({ limits }: RunSpec): StartPath => (limits.memoryBytes === LIMITS.memoryBytes ? 'warm' : 'cold');
    const runs = await openRuns({ sandbox, interpreter, pathOf, close: async () => undefined });
    for (const limits of [{}, { memoryBytes: LIMITS.memoryBytes / 2 }]) {
      const { output } = await runs.run('import json; print(json.dumps("ran"))', { limits });
      said.push(output);
    }
    await runs.close();
    await sandbox.close();
    expect(said).toEqual(['"ran"\n', '"ran"\n']);
    expect(troubles).toEqual([]);
  });
});
