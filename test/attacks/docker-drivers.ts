import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import { createDocker, type DockerOptions } from '../../src/sandbox/docker.ts';
import type { Limits } from '../../src/sandbox/sandbox.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { buildExecImage } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd } from '../support/dockerd.ts';
import type { AttackedDriver } from './attacked-driver.ts';

const MIB = 1024 * 1024;
const DOCKER_LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };

/** A daemon of the tests' own; its containers' mounts lie below its data root, and their control groups where Docker puts them. */
const docker = (name: string, more: Partial<DockerOptions>, pathOf: SandboxUnderTest['pathOf']): AttackedDriver => ({
  name,
  missing: whyNoDockerd(),
  traces: { instance: 'job-runner-tests', processes: { cgroup: '/docker/' } },
  cannotHold: {},
  async open() {
    const daemon = await startDockerd();
    const image = await buildExecImage(daemon);
    const engine = { dockerHost: daemon.host, certificates: undefined, runtimeDir: undefined };
    const sandbox = createDocker({ engine, runtime: undefined, ...more });
    await sandbox.check();
    const interpreter = (await sandbox.describe(image))?.interpreter;
    if (interpreter === undefined) throw new Error('the image is not there');
    sandbox.anticipate(interpreter);
    return { under: { sandbox, interpreter, ...(pathOf === undefined ? {} : { pathOf }), close: () => daemon.close() } };
  },
});

export const dockerCold = docker('docker', {}, undefined);

export const dockerWarm = docker(
  'docker, warm',
  { warm: { rules: { size: 2, waitMs: 90_000 }, limits: DOCKER_LIMITS, events: { trouble: () => undefined } } },
  (run) =>
    whyCold(run) === undefined && !shadows(run, new Set(['os'])) && run.limits.diskBytes === DOCKER_LIMITS.diskBytes ? 'warm' : 'cold',
);
