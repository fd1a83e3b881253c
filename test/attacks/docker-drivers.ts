import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import { createDocker, type DockerOptions } from '../../src/sandbox/docker.ts';
import type { Limits } from '../../src/sandbox/sandbox.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { buildExecImage, EXEC_IMAGE } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../support/dockerd.ts';
import { GVISOR, startWithGvisor, whyNoGvisor } from '../support/gvisor.ts';
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
const WITH_GVISOR: Engine = { missing: whyNoGvisor(), cgroup: '/docker/', start: startWithGvisor };
const PODMAN: Engine = { missing: whyNoPodman(), cgroup: '/libpod', start: startPodman };

/** The mounts of its containers lie below its data root. */
const onEngine = (
  name: string,
  engine: Engine,
  more: Partial<DockerOptions>,
  { pathOf, cannotHold = {} }: { pathOf?: SandboxUnderTest['pathOf']; cannotHold?: AttackedDriver['cannotHold'] } = {},
): AttackedDriver => ({
  name,
  missing: engine.missing,
  traces: { instance: 'job-runner-tests', processes: { cgroup: engine.cgroup } },
  cannotHold,
  async open() {
    const daemon = await engine.start();
    const settings = { dockerHost: daemon.host, certificates: undefined, runtimeDir: undefined };
    const sandbox = createDocker({ engine: settings, runtime: undefined, ...more });
    await sandbox.check();
    const interpreter = (await sandbox.describe(EXEC_IMAGE))?.interpreter;
    if (interpreter === undefined) throw new Error('the image is not there');
    sandbox.anticipate(interpreter);
    const how = { gvisor: more.runtime === GVISOR, ...(pathOf === undefined ? {} : { pathOf }) };
    return { under: { sandbox, interpreter, ...how, close: () => daemon.close() } };
  },
});

export const dockerCold = onEngine('docker', DOCKER, {});

export const dockerWarm = onEngine(
  'docker, warm',
  DOCKER,
  { warm: { rules: { size: 2, waitMs: 90_000 }, limits: DOCKER_LIMITS, events: { trouble: () => undefined } } },
  {
    pathOf: (run) =>
      whyCold(run) === undefined && !shadows(run, new Set(['os'])) && run.limits.diskBytes === DOCKER_LIMITS.diskBytes ? 'warm' : 'cold',
  },
);

/** What gVisor does otherwise than Linux. None of it reaches the host, or another job: what an attack gets is the job's own kernel's. */
const DEVICES = 'anybody may make device files; there is no device of the host’s behind any';
const COUNTS = 'it counts no processes, files and attributes: memory is what ends them, or the time';
const SEES = 'where the init’s code lies can be read, and that it has descriptors; not what is in them';

export const gvisorCold = onEngine(
  'docker with gVisor',
  WITH_GVISOR,
  { runtime: GVISOR },
  {
    cannotHold: {
      'collecting/special-files': DEVICES,
      'cpu/every-core': 'it takes the time that the host lets it wait for used; the host holds the limit',
      'disk/attributes': COUNTS,
      'disk/devices': DEVICES,
      'disk/empty-files': COUNTS,
      'host-files/environment-of-others': SEES,
      'kernel/old-system-calls': 'it has none of them, and says so instead of ending the program',
      'kernel/other-processes-memory': 'it has no pidfd_open, which the attack does without an answer to',
      'output/somebody-elses-output': 'a job may open its own output’s other end',
      'processes/fork-bomb': COUNTS,
      'processes/priorities': 'priorities are of its own kernel’s',
      'processes/thread-bomb': COUNTS,
      'warm/parents-memory': SEES,
    },
  },
);

export const podmanCold = onEngine('podman', PODMAN, {});
