import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { HostInterpreter } from '../../runtimes/runtime.ts';
import type { HostRun } from '../host-run.ts';
import {
  DISK_SLACK_BYTES,
  fontListArgs,
  inodeLimit,
  INODE_SLACK,
  INSIDE,
  insideExecutable,
  interpreterEnvironment,
  isSystemPrefix,
  jobEnvironment,
  mountPoint,
  rlimitSteps,
  rootArgs,
  type Host,
  type Step,
} from '../plan.ts';
import { plotEnvironment } from '../plots.ts';
import type { Limits } from '../sandbox.ts';

/** What a fork server and the worlds of its jobs are made of: pure, as ../plan.ts is for those that start cold. */

/** Host user ids that a server's jobs may have, in a row from `first`; and the server's own. Inside, the server is 0 and the jobs count from 1. */
export interface Users {
  server: number;
  first: number;
  count: number;
}

/** The id by which the server knows a job's host user. Without root there is only one user. */
export const idInside = (host: Host, users: Users, uid: number): number => (host.root ? uid - users.first + 1 : 0);

/** Rights over its own namespaces, which is what user namespaces give; over the host it has none. */
const CAPABILITIES = [
  'CAP_SYS_ADMIN', // mounts and namespaces
  'CAP_NET_ADMIN', // the jobs' loopback devices
  'CAP_SETUID', // the jobs' users
  'CAP_SETGID',
  'CAP_SETFCAP', // maps of user namespaces that hold its own id
  'CAP_SETPCAP', // giving up all of these for good
  'CAP_CHOWN', // the jobs' pipes
  'CAP_KILL', // jobs
  'CAP_SYS_PTRACE', // their inits' namespaces, which are files of /proc
];

const DESCRIPTORS = { stdin: 0, bubblewrapArgs: 5 } as const;

/** Where a slot's tmpfs is mounted, as the launcher sees it. */
export const slotFolder = (host: Host, slot: string): string => mountPoint(host, join('slots', slot));
/** Asked once: Node reads the machine's cgroups for it, each time. */
const CORES = availableParallelism();

const staging = (host: Host): string => mountPoint(host, 'staging');

/** The launcher's first steps: it makes the mount namespace, starts the server, and stays to mount what its jobs need. */
export function serveSteps(host: Host, users: Users, interpreter: HostInterpreter, imports: readonly string[], argsFile: string): Step[] {
  const settings = { imports, masked: host.maskedProc };
  const server = [insideExecutable(interpreter), '/opt/agent/server.py', JSON.stringify(settings)];
  const bind = (source: string, name: string): Step[] => [
    ['folder', mountPoint(host, name), '0755', 0, 0],
    ['bind', source, mountPoint(host, name)],
  ];
  const map = host.root ? `0 ${users.server} 1\n1 ${users.first} ${users.count}\n` : '0 0 1\n';
  return [
    host.root ? ['namespace'] : ['namespace', host.uid, host.gid],
    ['tmpfs', mountPoint(host), 'size=1M,mode=0755'],
    ...(isSystemPrefix(interpreter.prefix) ? [] : bind(interpreter.prefix, 'base')),
    ...(interpreter.venv === undefined ? [] : bind(join(interpreter.venv, 'lib'), 'venv')),
    ['folder', staging(host), '0755', 0, 0],
    ['folder', mountPoint(host, 'slots'), '0755', 0, 0],
    ['share', mountPoint(host, 'slots')],
    ['users', map, map],
    ['open', DESCRIPTORS.stdin, '/dev/null'],
    ['open', DESCRIPTORS.bubblewrapArgs, argsFile],
    ['command', host.bwrap, '--args', String(DESCRIPTORS.bubblewrapArgs), '--', ...server],
  ];
}

/** bubblewrap's arguments for the server: the same system as the jobs of the cold path see, and rights over its own namespaces. */
export function serverArgs(host: Host, interpreter: HostInterpreter): string[] {
  const environment = {
    ...interpreterEnvironment(interpreter),
    ...plotEnvironment(INSIDE.modules, {}),
    // Threads don't live through a fork; a job that may use more gets them when it starts.
    OPENBLAS_NUM_THREADS: '1',
    OMP_NUM_THREADS: '1',
  };
  return [
    ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--as-pid-1', '--die-with-parent', '--new-session', '--clearenv', '--hostname', 'job', '--cap-drop', 'ALL'],
    ...CAPABILITIES.flatMap((name) => ['--cap-add', name]),
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    // Made by the way they would be the server's own, and closed to the jobs' users.
    ...['/opt', INSIDE.venv, `${INSIDE.venv}/bin`, '/workspace', '/var'].flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...rootArgs(host, interpreter),
    ...['--ro-bind', join(host.workDir, 'agent'), '/opt/agent', '--ro-bind', join(host.workDir, 'modules'), INSIDE.modules],
    ...['--proc', '/proc', '--dev', '/dev'],
    ...['--dir', '/dev/shm', '--tmpfs', '/tmp', '--symlink', '/tmp', '/var/tmp'],
    ...fontListArgs(interpreter),
    ...[INSIDE.code, INSIDE.input, INSIDE.output].flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...['--perms', '0755', '--dir', dirname(INSIDE.codeAlias), '--symlink', INSIDE.code, INSIDE.codeAlias],
    ...['--bind', mountPoint(host, 'slots'), '/jobs', '--chdir', '/', '--remount-ro', '/dev', '--remount-ro', '/'],
  ];
}

/** Files of a job up to so much are copied to where it sees them, which is quicker than to mount their folder there. */
export const GIVEN_BYTES = 512 * 1024;
export const GIVEN_FILES = 64;

const tmpfsOptions = (diskBytes: number): string =>
  `size=${diskBytes + DISK_SLACK_BYTES},nr_inodes=${inodeLimit(diskBytes) + INODE_SLACK},mode=0755`;

/** A slot's writable places, made before its job is known. `uid` as the launcher sees it. */
export function slotSteps(host: Host, interpreter: HostInterpreter, slot: string, uid: number, diskBytes: number): Step[] {
  const owner = host.root ? uid : 0;
  const root = slotFolder(host, slot);
  const folder = (name: string, mode: string, folderOwner: number): Step => ['folder', join(root, name), mode, folderOwner, folderOwner];
  return [
    ['folder', root, '0755', 0, 0],
    ['tmpfs', root, tmpfsOptions(diskBytes)],
    folder('tmp', '1777', owner),
    folder('shm', '1777', owner),
    folder('output', '0755', owner),
    // What the job is given is not counted as its own.
    folder('given', '0755', 0),
    ['tmpfs', join(root, 'given'), `size=${GIVEN_BYTES + DISK_SLACK_BYTES},nr_inodes=${GIVEN_FILES + INODE_SLACK},mode=0755`],
    folder('given/code', '0755', 0),
    folder('given/input', '0755', 0),
    ...(interpreter.fontList === undefined
      ? []
      : ([
          folder('tmp/.cache', '0755', owner),
          folder('tmp/.cache/matplotlib', '0755', owner),
          ['link', `${INSIDE.venv}/lib/${interpreter.fontList}`, join(root, 'tmp/.cache/matplotlib', interpreter.fontList)],
        ] satisfies Step[])),
  ];
}

/** What must be mounted anew when a slot gets its job: nothing, for most. `given` names the folders whose files are in place already. */
export function jobSteps(
  host: Host,
  run: HostRun,
  slot: string,
  uid: number,
  madeFor: Limits,
  given: { code: boolean; input: boolean },
): Step[] {
  const owner = host.root ? uid : 0;
  const at = (name: string): string => join(slotFolder(host, slot), name);
  const { diskBytes } = run.limits;
  const steps: Step[] = [];
  if (diskBytes !== madeFor.diskBytes) steps.push(['resize', slotFolder(host, slot), tmpfsOptions(diskBytes)]);
  if (!given.input) steps.push(['bind-read-only', run.inputDir, at('given/input'), staging(host)]);
  if (run.workspace === 'writable') {
    steps.push(
      ['folder', at('code'), '0755', owner, owner],
      ['copy', run.codeDir, at('code'), `${owner}:${owner}`],
      ['bind', at('code'), at('given/code')],
    );
  } else if (!given.code) steps.push(['bind-read-only', run.codeDir, at('given/code'), staging(host)]);
  return steps;
}

export const releaseSteps = (host: Host, slot: string): Step[] => [['unmount', slotFolder(host, slot)]];

/** The job's own words, as the agent reads them inside, already without rights. `inherited` bytes of memory are the server's, and not to be counted. */
export function jobWords(run: HostRun, cgroups: boolean, inheritedBytes: number): string {
  const { memoryBytes, pids } = run.limits;
  // A warm job's init is in the user namespace outside of its own, and not counted with it.
  const limits = rlimitSteps(
    { ...run.limits, memoryBytes: memoryBytes + inheritedBytes, pids: pids - 1 },
    { memory: cgroups, pids: cgroups },
  );
  return JSON.stringify({
    entry: run.entry,
    args: run.args,
    env: jobEnvironment(run),
    stdin: run.stdin,
    split: run.splitOutput,
    threads: Math.min(CORES, Math.max(1, Math.ceil(run.limits.cpus))),
    limits: limits.map(([, number, limit]) => [number, limit]),
  });
}
