import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildExecImage } from './docker-image.ts';
import { isThere, startDockerd, whyNoDockerd, type Dockerd } from './dockerd.ts';

/** The name of its runtime, as DOCKER_RUNTIME says it. */
export const GVISOR = 'runsc';

/** Not all distributions have it: where it can't be had its tests are reported as skipped, in continuous integration as well. */
export const whyNoGvisor = (): string | undefined =>
  whyNoDockerd() ?? (isThere('runsc') ? undefined : 'missing: runsc (apt-get install -y runsc)');

/**
 * A Docker daemon that has gVisor, too. Jobs under it have no network, which it is told: the packages' version can't tell a container's
 * network namespace from the host's on kernels of today, and refuses to start.
 */
export async function startWithGvisor(): Promise<Dockerd> {
  const home = await mkdtemp(join(tmpdir(), 'job-runner-gvisor-'));
  const runsc = join(home, 'runsc');
  await writeFile(runsc, '#!/bin/sh\nexec /usr/bin/runsc --network=none "$@"\n', { mode: 0o755 });
  const docker = await startDockerd({ runtimes: { [GVISOR]: runsc } });
  await buildExecImage(docker);
  return {
    ...docker,
    async close() {
      await docker.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
