import { MASKED_PROC } from '../masked-proc.ts';
import { DISK_SLACK_BYTES, INODE_SLACK, INSIDE, inodeLimit, rlimitSteps } from '../plan.ts';
import { plotEnvironment } from '../plots.ts';
import type { Limits, RunSpec } from '../sandbox.ts';
import type { SeccompProfile } from '../seccomp/profile.ts';
import type { ImageInterpreter } from '../../runtimes/runtime.ts';

/**
 * What a container is made of: pure, from a run to the engine's request. Nothing of the job's own words (entry, args, env) is in it:
 * they go to the init, which hands them to a process that has no rights any more.
 */

/** A run with an interpreter of an image. */
export type ImageRun = RunSpec & { interpreter: ImageInterpreter };

/** Users inside; the image of Dockerfile.exec has names for them, and any other user of the host that has these numbers has no part in it. */
export const USERS = { init: 54_320, job: 54_321 } as const;

export const LABELS = {
  /** Which process made a container. */
  owner: 'job-runner.owner',
  job: 'job-runner.job',
  /** Of an image: the places that a job needs are where Dockerfile.exec has them. */
  layout: 'job-runner.layout',
} as const;
export const LAYOUT = '1';

/** The init in a container, in memory and processes: in the job's control group, but not the job's. */
const OWN_BYTES = 24 * 1024 * 1024;
const OWN_PROCESSES = 1;
/** What gVisor's kernel has of the host's for itself, beside what each of a job's processes takes: it is in the job's control group. */
const KERNELS_OWN = { processes: 1000, bytes: 96 * 1024 * 1024 };

const PAGE_BYTES = 4096;
export const CPU_PERIOD_US = 100_000;
export const OPEN_FILES = 1024;
export const LOCKED_BYTES = 65_536;

/** Files that a job is given: they lie in the container's memory, and count neither as the job's memory nor towards what it may write. */
export interface Given {
  bytes: number;
  inodes: number;
}

/** What a file takes of a tmpfs. */
export const roomOf = (size: number): number => Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;

/** Never more than the job's and our own, and nothing of it on a disk. Can be changed while a container runs. */
export function resources({ limits, given, gvisor }: Pick<ContainerPlan, 'limits' | 'given' | 'gvisor'>): Record<string, number> {
  const memory = limits.memoryBytes + given.bytes + OWN_BYTES + (gvisor ? KERNELS_OWN.bytes : 0);
  return {
    Memory: memory,
    // The same as Memory: no swap.
    MemorySwap: memory,
    CpuPeriod: CPU_PERIOD_US,
    CpuQuota: Math.max(1000, Math.round(limits.cpus * CPU_PERIOD_US)),
    PidsLimit: limits.pids + OWN_PROCESSES + (gvisor ? KERNELS_OWN.processes : 0),
  };
}

export interface ContainerPlan {
  /** Made over Podman's own API: Docker's can't tell it all that is here. */
  podman: boolean;
  image: string;
  /** The program of the first process: bootstrap.py. */
  bootstrap: string;
  limits: Limits;
  given: Given;
  profile: SeccompProfile;
  /** An OCI runtime other than the engine's own, such as runsc. */
  runtime: string | undefined;
  /** Whether that is gVisor. */
  gvisor: boolean;
  /** Whether the engine holds a container to its memory. */
  holdsMemory: boolean;
  labels: Record<string, string>;
  /** The container whose network it joins. Without: none. */
  gateway?: string;
}

/** CHOWN and the rest stay away: folders are made by those who are to own them. */
export const CAPABILITIES = ['KILL', 'SETGID', 'SETPCAP', 'SETUID'];

/** Docker's own list (moby, oci/defaults.go), and ours. */
export const MASKED = [
  ...['/proc/asound', '/proc/acpi', '/proc/scsi', '/proc/interrupts', '/sys/firmware', '/sys/devices/virtual/powercap'],
  ...MASKED_PROC.map((name) => `/proc/${name}`),
];
export const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** The command of every container. */
export const entrypoint = (bootstrap: string): string[] => ['python3', '-I', '-S', '-c', bootstrap];

/** What the one writable place has room for: what the job may write, what it is given, and a little more, by which it is seen to be full. */
export const roomOfAll = ({ limits, given }: Pick<ContainerPlan, 'limits' | 'given'>): Given => ({
  bytes: limits.diskBytes + given.bytes + DISK_SLACK_BYTES,
  inodes: inodeLimit(limits.diskBytes) + given.inodes + INODE_SLACK,
});

/** Attached to us alone. When the service is gone, the input ends, and so does what reads it: the init, a gateway's program. */
export const ATTACHED = { AttachStdin: true, AttachStdout: true, AttachStderr: true, OpenStdin: true, StdinOnce: true, Tty: false };

/** The request that makes a container (Engine API, POST /containers/create). */
export function containerBody(plan: ContainerPlan): object {
  const room = roomOfAll(plan);
  return {
    Image: plan.image,
    Entrypoint: entrypoint(plan.bootstrap),
    Cmd: [],
    // Root with four capabilities until the first lines of the init have made the places; no byte of a job's is read before.
    User: '0:0',
    WorkingDir: '/',
    ...(plan.gateway === undefined ? { Hostname: 'job' } : {}),
    Labels: plan.labels,
    ...ATTACHED,
    HostConfig: {
      NetworkMode: plan.gateway === undefined ? 'none' : `container:${plan.gateway}`,
      // Without /dev/shm: it is a folder of the one place that jobs write to.
      IpcMode: 'none',
      CgroupnsMode: 'private',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: CAPABILITIES,
      SecurityOpt: ['no-new-privileges', `seccomp=${JSON.stringify(plan.profile)}`],
      MaskedPaths: MASKED,
      ReadonlyPaths: READ_ONLY,
      Tmpfs: {
        // gVisor puts a folder of its own there otherwise, in the place of the image's link, and with no bound.
        ...(plan.gvisor ? { '/tmp': `rw,exec,nosuid,nodev,size=${room.bytes},mode=1777` } : {}),
        '/workspace': `rw,exec,nosuid,nodev,size=${room.bytes},nr_inodes=${room.inodes},mode=0755,uid=${USERS.init},gid=${USERS.init}`,
      },
      ...resources(plan),
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
        { Name: 'memlock', Soft: LOCKED_BYTES, Hard: LOCKED_BYTES },
      ],
      LogConfig: { Type: 'none' },
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      // Ours is the first process.
      Init: false,
      ...(plan.runtime === undefined ? {} : { Runtime: plan.runtime }),
    },
  };
}

/** What is reserved, while nobody knows how much a job will be given, for as much as that. */
export const ROOM_AHEAD: Given = { bytes: 2 * 1024 * 1024, inodes: 256 };

/** The init's first order. `ahead`: a job is yet to come, and room for what it will be given is kept from it. */
export const setUpOrder = (plan: Omit<ContainerPlan, 'bootstrap'>, filter: Buffer, ahead: boolean): object => ({
  user: USERS.job,
  filter: filter.toString('base64'),
  fullBytes: DISK_SLACK_BYTES / 2,
  fullInodes: roomOfAll(plan).inodes - INODE_SLACK / 2,
  // Without a control group of its own it would see everybody's.
  memory: plan.holdsMemory,
  reserve: ahead ? plan.given.bytes : 0,
  // It has joined one, and is to see that it has before anything else.
  network: plan.gateway !== undefined,
});

/** What an interpreter of an image is started with, whatever it is to run: the image's own, and what all drivers set. */
export const imageEnvironment = ({ environment }: ImageInterpreter): Record<string, string> => ({
  LANG: 'C.UTF-8',
  ...environment,
  HOME: INSIDE.home,
  PYTHONUNBUFFERED: '1',
  PYTHONDONTWRITEBYTECODE: '1',
});

/** Environment of a job: what every job has, where its own words win. */
export const jobEnvironment = (run: ImageRun): Record<string, string> => ({
  ...imageEnvironment(run.interpreter),
  JOB_ID: run.jobId,
  JOB_INPUT_DIR: INSIDE.input,
  JOB_OUTPUT_DIR: INSIDE.output,
  ...run.env,
  ...plotEnvironment(INSIDE.modules, run.env),
});

/** What is imported ahead is in the job's control group; the job's own memory comes on top. */
const IMPORTED_BYTES = 96 * 1024 * 1024;
export const withImports = (limits: Limits): Limits => ({ ...limits, memoryBytes: limits.memoryBytes + IMPORTED_BYTES });

/** The job's own words, as the init reads them, and for a warm start the process that waits for them. */
export function runOrder(run: ImageRun, threads: number, { gvisor, holdsMemory }: Pick<ContainerPlan, 'gvisor' | 'holdsMemory'>): object {
  const environment = jobEnvironment(run);
  // All containers of an engine may share one user: its processes are not to be counted together.
  const held = { memory: holdsMemory, pids: true };
  const stepsFor = (limits: Limits): unknown[] => rlimitSteps(limits, held, gvisor).map(([, number, limit]) => [number, limit]);
  const { executable } = run.interpreter;
  return {
    // `--`: an entry that starts with a dash is a file, not an option.
    command: [executable, ...(run.entry.startsWith('-') ? ['--'] : []), run.entry, ...run.args],
    environment,
    limits: stepsFor(run.limits),
    split: run.splitOutput,
    stdin: run.stdin,
    words: JSON.stringify({
      entry: run.entry,
      args: run.args,
      env: environment,
      stdin: run.stdin,
      split: run.splitOutput,
      threads,
      limits: stepsFor(withImports(run.limits)),
    }),
  };
}

/** Room for the command line that a job will show in place of the agent's. */
const COMMAND_LINE_BYTES = 4096;

export const warmOrder = (interpreter: ImageInterpreter, imports: readonly string[]): object => ({
  command: [interpreter.executable, '/workspace/.runner/agent/agent.py', JSON.stringify(imports).padEnd(COMMAND_LINE_BYTES)],
  environment: {
    ...imageEnvironment(interpreter),
    ...plotEnvironment(INSIDE.modules, {}),
    // A job that may use more gets them when it starts.
    OPENBLAS_NUM_THREADS: '1',
    OMP_NUM_THREADS: '1',
  },
});
