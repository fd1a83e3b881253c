import type { SandboxUnderTest } from '../../src/sandbox/contract/runs.contract.ts';
import { createBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import { createDocker, type DockerOptions } from '../../src/sandbox/docker.ts';
import type { Limits } from '../../src/sandbox/sandbox.ts';
import { shadows, whyCold } from '../../src/sandbox/warm/eligible.ts';
import { buildExecImage } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd } from '../support/dockerd.ts';
import { untilWarm } from '../support/start-path.ts';
import { systemPython } from '../support/system-python.ts';
import type { Traces } from './host-state.ts';

export interface AttackedDriver {
  name: string;
  /** Why it can't be attacked here. */
  missing: string | undefined;
  traces: Traces;
  /** Attacks that get through, each with the reason. */
  cannotHold: Readonly<Record<string, string>>;
  open(): Promise<{ under: SandboxUnderTest }>;
}

const missing = process.getuid?.() === 0 ? undefined : 'needs root, for a host user of the jobs’ own';

/** Each process attacks drivers of its own: who finds another's folders or users by the same name takes them for what a killed predecessor left. */
const place = (name: string, index: number): { instance: string; firstUid: number; uids: number } => ({
  instance: `attacked-${name}-${process.pid}`,
  firstUid: 3_000_000 + (process.pid % 4096) * 1000 + index * 500,
  uids: 500,
});
const COLD = place('cold', 0);
const WARM = place('warm', 1);

export const bubblewrapCold: AttackedDriver = {
  name: 'bubblewrap',
  missing,
  traces: { instance: COLD.instance, processes: COLD },
  cannotHold: {},
  async open() {
    const interpreter = await systemPython();
    const sandbox = createBubblewrap({ instance: COLD.instance, firstUid: COLD.firstUid, ready: 1, interpreter: () => interpreter });
    await sandbox.check();
    return { under: { sandbox, interpreter, close: async () => undefined } };
  },
};

export const bubblewrapWarm: AttackedDriver = {
  name: 'bubblewrap, warm',
  missing,
  traces: { instance: WARM.instance, processes: WARM },
  cannotHold: {},
  async open() {
    const interpreter = await systemPython();
    const troubles: string[] = [];
    const sandbox = createBubblewrap({
      instance: WARM.instance,
      firstUid: WARM.firstUid,
      ready: 1,
      interpreter: () => interpreter,
      warm: {
        rules: { min: 2, max: 2, recycleJobs: 1000, recycleMs: 3_600_000, waitMs: 20_000 },
        events: { trouble: (what, error) => troubles.push(`${what}: ${String(error)}`) },
      },
    });
    await sandbox.check();
    sandbox.anticipate(interpreter);
    await untilWarm(sandbox, interpreter);
    return {
      under: {
        sandbox,
        interpreter,
        pathOf: (run) => (whyCold(run) === undefined && !shadows(run, new Set(['os'])) ? 'warm' : 'cold'),
        close: async () => {
          if (troubles.length > 0) throw new Error(troubles.join('\n'));
        },
      },
    };
  },
};

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

export const DRIVERS: readonly AttackedDriver[] = [bubblewrapCold, bubblewrapWarm, dockerCold, dockerWarm];
