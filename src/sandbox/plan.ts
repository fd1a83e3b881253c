import { join } from 'node:path';
import type { HostInterpreter } from '../runtimes/runtime.ts';
import type { HostRun } from './host-run.ts';
import { plotEnvironment } from './plots.ts';
import type { Limits } from './sandbox.ts';

/**
 * What a sandbox is made of: pure, from a run to the steps of libexec/sandbox-launch.pl and to bubblewrap's
 * arguments. Nothing of the job's own words (entry, args, env) is in what the launcher or bubblewrap see: they go to
 * the init, which reads them inside the sandbox, already without rights.
 */

export type Step = readonly [verb: string, ...tokens: (string | number)[]];

/** Steps as the launcher reads them: for each a count, then its tokens, all ended by NUL. */
export const encodeSteps = (steps: readonly Step[]): Buffer =>
  Buffer.from(steps.map((step) => [step.length, ...step].map((token) => `${token}\0`).join('')).join(''));

/** Folders and files of this host that a sandbox is put together from. */
export interface Host {
  /** Whether the service may set user ids and attach cgroups. */
  root: boolean;
  /** The service's own ids: what the sandbox's root means to the host when the service is no root. */
  uid: number;
  gid: number;
  /** Folder of ours that every user may enter; holds `init.pl`, the jobs' `etc/` and `modules/`, and the mount point `m`. */
  workDir: string;
  bwrap: string;
  perl: string;
  /** `/bin`, `/lib` … of this host: links into /usr, or folders of their own. */
  topLevel: readonly ({ path: string; link: string } | { path: string; folder: true })[];
  /** What of /proc is covered by /dev/null. */
  maskedProc: readonly string[];
}

/** tmpfs sizes are rounded up to pages, and its folders count: a job may use exactly what it asked for, and one byte more shows. */
export const DISK_SLACK_BYTES = 256 * 1024;
export const INODE_SLACK = 64;
export const inodeLimit = (diskBytes: number): number => Math.max(4096, Math.round(diskBytes / 8192));

/** Ids inside the sandbox. */
const JOB_UID = 1000;

export const INSIDE = {
  code: '/workspace/code',
  /** The code folder's other name, by which programs written for a chat's code interpreter know it. */
  codeAlias: '/mnt/data',
  input: '/workspace/input',
  output: '/workspace/output',
  home: '/tmp',
  /** Where interpreters and environments lie, wherever the host has them. */
  base: '/opt/python',
  venv: '/opt/runtime',
  /** Modules of ours that jobs may import. */
  modules: '/opt/modules',
} as const;

export const mountPoint = (host: Host, name = ''): string => join(host.workDir, 'm', name);

export const isSystemPrefix = (prefix: string): boolean => prefix === '/usr';

/** Path of the interpreter's binary inside. */
export function insideExecutable({ executable, prefix, venv, series }: HostInterpreter): string {
  if (venv !== undefined) return `${INSIDE.venv}/bin/python${series}`;
  return isSystemPrefix(prefix) ? executable : executable.replace(prefix, INSIDE.base);
}

/** The launcher's first steps: what can be done before a job is known. */
export function prepareSteps(host: Host, job: { uid: number; procsFiles: readonly string[] }): Step[] {
  return host.root
    ? [['pipes', job.uid, job.uid], ['namespace'], ['user', job.uid, job.uid], ['cgroup', ...job.procsFiles]]
    : [
        ['pipes', host.uid, host.gid],
        ['namespace', host.uid, host.gid],
        ['cgroup', ...job.procsFiles],
      ];
}

/** Files that are opened before bubblewrap starts, at the descriptors where the launcher's processes look for them. */
export interface OpenedFiles {
  stdin: string;
  filter: string;
  bubblewrapArgs: string;
  initSteps: string;
}
const DESCRIPTORS = { stdin: 0, filter: 4, bubblewrapArgs: 5, initSteps: 6 } as const;

export const openSteps = (files: Partial<OpenedFiles>): Step[] =>
  Object.entries(files).map(([name, path]) => ['open', DESCRIPTORS[name as keyof OpenedFiles], path]);

/** The launcher's second steps: what it mounts, in its own mount namespace, and starts. */
export function launchSteps(host: Host, run: HostRun, uid: number, files: OpenedFiles, network: readonly Step[]): Step[] {
  // Without root the launcher is root of a user namespace that maps to the service's user, and so are the job's files.
  const owner = host.root ? uid : 0;
  const size = run.limits.diskBytes + DISK_SLACK_BYTES;
  const inodes = inodeLimit(run.limits.diskBytes) + INODE_SLACK;
  const folder = (name: string, mode: string, folderOwner = 0): Step => ['folder', mountPoint(host, name), mode, folderOwner, folderOwner];
  const bind = (source: string, name: string): Step[] => [folder(name, '0755'), ['bind', source, mountPoint(host, name)]];
  const { prefix, venv } = run.interpreter;
  return [
    ['tmpfs', mountPoint(host), `size=${size},nr_inodes=${inodes},mode=0755`],
    folder('tmp', '1777', owner),
    folder('shm', '1777', owner),
    folder('output', '0755', owner),
    ...bind(run.inputDir, 'input'),
    ...(run.workspace === 'writable'
      ? ([folder('code', '0755', owner), ['copy', run.codeDir, mountPoint(host, 'code'), `${owner}:${owner}`]] satisfies Step[])
      : bind(run.codeDir, 'code')),
    ...(isSystemPrefix(prefix) ? [] : bind(prefix, 'base')),
    ...(venv === undefined ? [] : bind(join(venv, 'lib'), 'venv')),
    ...network,
    ...openSteps({ ...files }),
    ...(run.splitOutput ? [] : ([['one-pipe']] satisfies Step[])),
    ['command', host.bwrap, '--args', String(DESCRIPTORS.bubblewrapArgs), '--', host.perl, '/opt/init.pl', 'init'],
  ];
}

function interpreterArgs(host: Host, { executable, prefix, venv, series }: HostInterpreter): string[] {
  const args: string[] = [];
  if (!isSystemPrefix(prefix)) args.push('--ro-bind', mountPoint(host, 'base'), INSIDE.base);
  if (venv !== undefined) {
    // Put together from its parts: the links and the home line of the host's own environment point to paths that don't exist inside.
    const base = isSystemPrefix(prefix) ? executable : executable.replace(prefix, INSIDE.base);
    for (const name of ['python', 'python3', `python${series}`]) args.push('--symlink', base, `${INSIDE.venv}/bin/${name}`);
    args.push('--ro-bind', mountPoint(host, 'venv'), `${INSIDE.venv}/lib`);
    const config = isSystemPrefix(prefix) ? 'pyvenv-usr.cfg' : 'pyvenv-opt.cfg';
    args.push('--ro-bind', join(host.workDir, 'etc', config), `${INSIDE.venv}/pyvenv.cfg`);
  }
  return args;
}

/** Where matplotlib looks for it; a link, for it wants the folder to be writable. */
export const fontListArgs = ({ fontList }: HostInterpreter): string[] =>
  fontList === undefined ? [] : ['--symlink', `${INSIDE.venv}/lib/${fontList}`, `${INSIDE.home}/.cache/matplotlib/${fontList}`];

/** The system and the interpreter, read-only: what every process in a sandbox sees, whoever it is. */
export function rootArgs(host: Host, interpreter: HostInterpreter): string[] {
  return [
    ...['--ro-bind', '/usr', '/usr'],
    // Programs that somebody installed by hand are no business of a job's, unless its interpreter is one of them.
    ...(interpreter.prefix.startsWith('/usr/local') ? [] : ['--tmpfs', '/usr/local', '--remount-ro', '/usr/local']),
    ...host.topLevel.flatMap((entry) => ('link' in entry ? ['--symlink', entry.link, entry.path] : ['--ro-bind', entry.path, entry.path])),
    ...['--ro-bind', join(host.workDir, 'etc'), '/etc'],
    ...interpreterArgs(host, interpreter),
  ];
}

/**
 * bubblewrap's arguments, NUL-separated as `--args FD` reads them. `inNetwork`: the launcher has joined a network namespace that was made
 * for this run, whose filter the job has no right over. Said of any other launcher, it would be the host's network.
 */
export function bubblewrapArgs(host: Host, run: HostRun, inNetwork: boolean): string[] {
  const at = (name: string): string => mountPoint(host, name);
  return [
    '--unshare-all',
    ...(inNetwork ? ['--share-net'] : []),
    '--unshare-user',
    '--as-pid-1',
    '--die-with-parent',
    '--new-session',
    '--clearenv',
    ...['--uid', `${JOB_UID}`, '--gid', `${JOB_UID}`, '--hostname', 'job', '--cap-drop', 'ALL'],
    ...rootArgs(host, run.interpreter),
    ...['--ro-bind', join(host.workDir, 'init.pl'), '/opt/init.pl'],
    ...['--ro-bind', join(host.workDir, 'modules'), INSIDE.modules],
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys'],
    ...host.maskedProc.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...['--dev', '/dev', '--bind', at('shm'), '/dev/shm', '--bind', at('tmp'), '/tmp', '--symlink', '/tmp', '/var/tmp'],
    ...fontListArgs(run.interpreter),
    ...[run.workspace === 'writable' ? '--bind' : '--ro-bind', at('code'), INSIDE.code],
    ...['--symlink', INSIDE.code, INSIDE.codeAlias],
    ...['--ro-bind', at('input'), INSIDE.input, '--bind', at('output'), INSIDE.output],
    ...['--chdir', INSIDE.code, '--remount-ro', '/dev', '--remount-ro', '/', '--seccomp', String(DESCRIPTORS.filter)],
  ];
}

/** Linux numbers of resource limits (asm-generic/resource.h). */
const RLIMIT = { FSIZE: 1, DATA: 2, CORE: 4, NPROC: 6, NOFILE: 7, MEMLOCK: 8, SIGPENDING: 11, MSGQUEUE: 12 } as const;
const OPEN_FILES = 1024;

/** Limits of single processes. Those that something holds for the whole job are set only where nothing does. */
export function rlimitSteps(limits: Limits, held: { memory: boolean; pids: boolean }, gvisor = false): Step[] {
  const steps: Step[] = [
    ['rlimit', RLIMIT.CORE, 0],
    ['rlimit', RLIMIT.NOFILE, OPEN_FILES],
    ['rlimit', RLIMIT.FSIZE, limits.diskBytes + DISK_SLACK_BYTES],
    ['rlimit', RLIMIT.MEMLOCK, 64 * 1024],
  ];
  // gVisor lets nobody set these two; what they limit is its own memory, which is the job's.
  if (!gvisor) steps.push(['rlimit', RLIMIT.SIGPENDING, 1024], ['rlimit', RLIMIT.MSGQUEUE, 64 * 1024]);
  if (!held.memory) steps.push(['rlimit', RLIMIT.DATA, limits.memoryBytes]);
  // The count is of the job's own user namespace, and the init is one of those counted.
  if (!held.pids) steps.push(['rlimit', RLIMIT.NPROC, limits.pids + 1]);
  return steps;
}

/** What an interpreter is started with, whatever it is to run. */
export const interpreterEnvironment = (interpreter: HostInterpreter): Record<string, string> => ({
  PATH: `${insideExecutable(interpreter).replace(/\/[^/]+$/, '')}:/usr/bin:/bin`,
  HOME: INSIDE.home,
  LANG: 'C.UTF-8',
  PYTHONUNBUFFERED: '1',
  PYTHONDONTWRITEBYTECODE: '1',
  // An interpreter that was moved finds its own shared library only so.
  ...(isSystemPrefix(interpreter.prefix) ? {} : { LD_LIBRARY_PATH: `${INSIDE.base}/lib` }),
});

/** Environment of a job: what every job has, where its own words win. */
export function jobEnvironment(run: HostRun): Record<string, string> {
  const base = interpreterEnvironment(run.interpreter);
  const environment: Record<string, string> = {
    ...base,
    JOB_ID: run.jobId,
    JOB_INPUT_DIR: INSIDE.input,
    JOB_OUTPUT_DIR: INSIDE.output,
    ...run.env,
    ...plotEnvironment(INSIDE.modules, run.env),
  };
  // What the job asks for comes first, but not alone.
  const libraries = [run.env['LD_LIBRARY_PATH'], base['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  if (libraries !== '') environment['LD_LIBRARY_PATH'] = libraries;
  return environment;
}

/** Steps for the init: the job's own words. */
export function initSteps(run: HostRun, cgroups: boolean): Step[] {
  const executable = insideExecutable(run.interpreter);
  return [
    ...rlimitSteps(run.limits, { memory: cgroups, pids: cgroups }),
    ...Object.entries(jobEnvironment(run)).map(([name, value]): Step => ['env', name, value]),
    // `--`: an entry that starts with a dash is a file, not an option.
    ['command', executable, executable, ...(run.entry.startsWith('-') ? ['--'] : []), run.entry, ...run.args],
  ];
}
