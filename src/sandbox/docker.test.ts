import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExecImage } from '../../test/support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../../test/support/dockerd.ts';
import { createDocker, type DockerOptions } from './docker.ts';
import type { ImageInterpreter } from '../runtimes/runtime.ts';
import { sandboxContract } from './sandbox.contract.ts';
import type { DockerSandbox } from './docker.ts';
import type { Limits } from './sandbox.ts';
import { whyCold } from './warm/eligible.ts';

const MIB = 1024 * 1024;
const BUILD_MS = 10 * 60_000;
const missing = whyNoDockerd();

/** What most of the contract's programs are given. */
const LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };

describe.skipIf(missing !== undefined)(`docker${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd | undefined;
  let image: string;
  beforeAll(async () => {
    docker = await startDockerd();
    image = await buildExecImage(docker);
  }, BUILD_MS);
  afterAll(() => docker?.close());

  async function open(more: Partial<DockerOptions> = {}): Promise<{ sandbox: DockerSandbox; interpreter: ImageInterpreter }> {
    const engine = { dockerHost: docker?.host, certificates: undefined, runtimeDir: undefined };
    const sandbox = createDocker({ engine, runtime: undefined, ...more });
    await sandbox.check();
    const description = await sandbox.describe(image);
    if (description === undefined) throw new Error('the image is not there');
    return { sandbox, interpreter: description.interpreter };
  }

  sandboxContract('docker', async () => ({ ...(await open()), close: async () => undefined }));

  sandboxContract('docker, warm', async () => {
    const troubles: string[] = [];
    const events = { trouble: (what: string, error: unknown) => troubles.push(`${what}: ${String(error)}`) };
    const { sandbox, interpreter } = await open({ warm: { rules: { size: 2, waitMs: 30_000 }, limits: LIMITS, events } });
    sandbox.anticipate(interpreter);
    return {
      sandbox,
      interpreter,
      pathOf: (run) =>
        run.interpreter === interpreter && whyCold(run) === undefined && run.limits.diskBytes === LIMITS.diskBytes ? 'warm' : 'cold',
      close: async () => {
        if (troubles.length > 0) throw new Error(troubles.join('\n'));
      },
    };
  });

  it('leaves no container behind when it is closed', async () => {
    expect(await docker?.cli(['ps', '--all', '--quiet'])).toBe('');
  });
});
