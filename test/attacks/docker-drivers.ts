import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import { createDocker } from '../../src/sandbox/docker.ts';
import type { WarmEvents, WarmRules } from '../../src/sandbox/docker/warm-pool.ts';
import { containersAhead } from '../../src/sandbox/docker/warm-start.ts';
import type { Limits } from '../../src/sandbox/sandbox.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { buildExecImage, EXEC_IMAGE } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../support/dockerd.ts';
import { GVISOR, startWithGvisor, whyNoGvisor } from '../support/gvisor.ts';
import { startPodman, whyNoPodman } from '../support/podman.ts';
import type { AttackedDriver } from './attacked-driver.ts';

const MIB = 1024 * 1024;
const DOCKER_LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };

/** An engine of the tests' own; where its containers' mounts and control groups are it says itself. */
interface Engine {
  missing: string | undefined;
  /** In the path of each mount that it makes. */
  root: string;
  cgroup: string;
  start(): Promise<Pick<Dockerd, 'host' | 'close'>>;
}

const DOCKER: Engine = {
  missing: whyNoDockerd(),
  root: 'job-runner-tests/docker',
  cgroup: '/docker/',
  async start() {
    const daemon = await startDockerd();
    await buildExecImage(daemon);
    return daemon;
  },
};
const WITH_GVISOR: Engine = { ...DOCKER, missing: whyNoGvisor(), start: startWithGvisor };
const PODMAN: Engine = { missing: whyNoPodman(), root: 'job-runner-tests-podman', cgroup: '/libpod', start: startPodman };

interface Ways {
  runtime?: string;
  warm?: WarmRules;
  pathOf?: NonNullable<SandboxUnderTest['pathOf']>;
  cannotHold?: AttackedDriver['cannotHold'];
}

const onEngine = (name: string, engine: Engine, { runtime, warm, pathOf, cannotHold = {} }: Ways = {}): AttackedDriver => ({
  name,
  missing: engine.missing,
  traces: { instance: engine.root, processes: { cgroup: engine.cgroup } },
  cannotHold,
  async open() {
    const daemon = await engine.start();
    const settings = { dockerHost: daemon.host, certificates: undefined, runtimeDir: undefined };
    let ready = 0;
    const events: WarmEvents = {
      trouble: () => undefined,
      ready: (change) => {
        ready += change;
      },
    };
    const ahead = warm === undefined ? {} : { warm: { rules: warm, limits: DOCKER_LIMITS, events } };
    const sandbox = createDocker({ engine: settings, runtime, ...ahead });
    await sandbox.check();
    const interpreter = (await sandbox.describe(EXEC_IMAGE))?.interpreter;
    if (interpreter === undefined) throw new Error('the image is not there');
    sandbox.anticipate(interpreter);
    let wanted = 0;
    if (warm !== undefined) for (const size of containersAhead(interpreter, warm).values()) wanted += size;
    const how = { gvisor: runtime === GVISOR, ...(pathOf === undefined ? {} : { pathOf }) };
    return { under: { sandbox, interpreter, ...how, close: () => daemon.close() }, isReady: () => ready === wanted };
  },
});

export const dockerCold = onEngine('docker', DOCKER);

export const dockerWarm = onEngine('docker, warm', DOCKER, {
  warm: { size: 2, waitMs: 90_000 },
  pathOf: (run) =>
    whyCold(run) === undefined && !shadows(run, new Set(['os'])) && run.limits.diskBytes === DOCKER_LIMITS.diskBytes ? 'warm' : 'cold',
});

/** What gVisor does otherwise than Linux. None of it reaches the host, or another job: what an attack gets is the job's own kernel's. */
const DEVICES = 'anybody may make device files; there is no device of the host’s behind any';
const COUNTS = 'it counts no processes, files and attributes: memory is what ends them, or the time';
const SEES = 'where the init’s code lies can be read, and that it has descriptors; not what is in them';

export const gvisorCold = onEngine('docker with gVisor', WITH_GVISOR, {
  runtime: GVISOR,
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
});

export const podmanCold = onEngine('podman', PODMAN);
