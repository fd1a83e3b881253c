import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import { createDocker, type DockerOptions } from '../../src/sandbox/docker.ts';
import type { Limits } from '../../src/sandbox/sandbox.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { buildExecImage, EXEC_IMAGE } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../support/dockerd.ts';
import { startPodman, whyNoPodman } from '../support/podman.ts';
import type { AttackedDriver } from './attacked-driver.ts';

const MIB = 1024 * 1024;
const DOCKER_LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };

/** An engine of the tests' own; where the control groups of its containers are it says itself. */
interface Engine {
  missing: string | undefined;
  cgroup: string;
  start(): Promise<Pick<Dockerd, 'host' | 'close'>>;
}

const DOCKER: Engine = {
  missing: whyNoDockerd(),
  cgroup: '/docker/',
  async start() {
    const daemon = await startDockerd();
    await buildExecImage(daemon);
    return daemon;
  },
};
const PODMAN: Engine = { missing: whyNoPodman(), cgroup: '/libpod', start: startPodman };

/** The mounts of its containers lie below its data root. */
const onEngine = (name: string, engine: Engine, more: Partial<DockerOptions>, pathOf: SandboxUnderTest['pathOf']): AttackedDriver => ({
  name,
  missing: engine.missing,
  traces: { instance: 'job-runner-tests', processes: { cgroup: engine.cgroup } },
  cannotHold: {},
  async open() {
    const daemon = await engine.start();
    const settings = { dockerHost: daemon.host, certificates: undefined, runtimeDir: undefined };
    const sandbox = createDocker({ engine: settings, runtime: undefined, ...more });
    await sandbox.check();
    const interpreter = (await sandbox.describe(EXEC_IMAGE))?.interpreter;
    if (interpreter === undefined) throw new Error('the image is not there');
    sandbox.anticipate(interpreter);
    return { under: { sandbox, interpreter, ...(pathOf === undefined ? {} : { pathOf }), close: () => daemon.close() } };
  },
});

export const dockerCold = onEngine('docker', DOCKER, {}, undefined);

export const dockerWarm = onEngine(
  'docker, warm',
  DOCKER,
  { warm: { rules: { size: 2, waitMs: 90_000 }, limits: DOCKER_LIMITS, events: { trouble: () => undefined } } },
  (run) =>
    whyCold(run) === undefined && !shadows(run, new Set(['os'])) && run.limits.diskBytes === DOCKER_LIMITS.diskBytes ? 'warm' : 'cold',
);

export const podmanCold = onEngine('podman', PODMAN, {}, undefined);
