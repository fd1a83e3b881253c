import { BUBBLEWRAP_OUTBOUND, DOCKER_OUTBOUND } from './network/drivers.ts';

/**
 * What stands between a job and the machine, each with the change to the source that takes it away and an attack that gets through
 * then. `npm run attacks -- --without` makes the change in a copy and looks: a mitigation whose attack fails all the same is one that
 * nobody would miss, or an attack that tries nothing.
 */
export interface Mitigation {
  what: string;
  file: string;
  /** Occurs once in the file. */
  from: string;
  to: string;
  driver: string;
  attack: string;
}

const PLAN = 'src/sandbox/plan.ts';
const SECCOMP = 'src/sandbox/seccomp/filter.ts';
const COLLECT = 'src/sandbox/collect.ts';
const HOST = 'src/sandbox/masked-proc.ts';
const CONFINE = 'runtimes/python/agent/confine.py';
const RULESET = 'src/sandbox/egress/ruleset.ts';
const RESOLVER = 'src/sandbox/egress/resolver.ts';
const COLD = 'bubblewrap';
const WARM = 'bubblewrap, warm';
const OUTBOUND = BUBBLEWRAP_OUTBOUND;

export const MITIGATIONS: readonly Mitigation[] = [
  {
    what: 'the system-call filter',
    file: PLAN,
    from: ", '--seccomp', String(DESCRIPTORS.filter)]",
    to: ']',
    driver: COLD,
    attack: 'kernel/keys',
  },
  {
    what: 'the filter’s look at the flags of clone',
    file: 'src/sandbox/seccomp/calls.ts',
    from: 'const CLONE_DENIED = 0x7e02_8000;',
    to: 'const CLONE_DENIED = 0;',
    driver: COLD,
    attack: 'processes/brothers',
  },
  {
    what: 'the filter’s look at the families of sockets',
    file: SECCOMP,
    from: '  unlessEqualSkip(AF_NETLINK, 3),',
    to: '  answer(ALLOW),\n  unlessEqualSkip(AF_NETLINK, 3),',
    driver: COLD,
    attack: 'network/odd-families',
  },
  {
    what: 'the filter’s check of the architecture',
    file: SECCOMP,
    from: '    answer(KILL_PROCESS),',
    to: '    answer(ALLOW),',
    driver: COLD,
    attack: 'kernel/old-system-calls',
  },
  {
    what: 'a network namespace',
    file: PLAN,
    from: "    '--unshare-all',\n",
    to: "    '--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try',\n",
    driver: COLD,
    attack: 'network/host-loopback',
  },
  {
    what: 'a network namespace, for sockets without a path',
    file: PLAN,
    from: "    '--unshare-all',\n",
    to: "    '--unshare-ipc', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try',\n",
    driver: COLD,
    attack: 'network/abstract-socket',
  },
  {
    what: 'an IPC namespace',
    file: PLAN,
    from: "    '--unshare-all',\n",
    to: "    '--unshare-net', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try',\n",
    driver: COLD,
    attack: 'left-behind/objects-of-the-kernel',
  },
  {
    what: 'a root of its own instead of the host’s',
    file: PLAN,
    from: "    ...['--ro-bind', '/usr', '/usr'],",
    to: "    ...['--ro-bind', '/', '/host', '--ro-bind', '/tmp', '/srv', '--ro-bind', '/usr', '/usr'],",
    driver: COLD,
    attack: 'host-files/searched-for-secrets',
  },
  {
    what: 'a root that nobody writes to',
    file: PLAN,
    from: "'--remount-ro', '/', '--seccomp'",
    to: "'--seccomp'",
    driver: COLD,
    attack: 'host-files/searched-for-secrets',
  },
  { what: 'covered parts of /proc', file: HOST, from: "  'kallsyms',\n", to: '', driver: COLD, attack: 'host-files/kernel-symbols' },
  {
    what: 'no capabilities',
    file: PLAN,
    from: "'--cap-drop', 'ALL'],\n    ...rootArgs",
    to: "'--cap-add', 'ALL'],\n    ...rootArgs",
    driver: COLD,
    attack: 'kernel/capabilities',
  },
  {
    what: 'the memory limit',
    file: 'src/sandbox/bubblewrap.ts',
    from: 'cgroup?.limit({ ...run.limits, pids:',
    to: 'cgroup?.limit({ ...run.limits, memoryBytes: 4 * 1024 ** 3, pids:',
    driver: COLD,
    attack: 'memory/files-in-memory',
  },
  {
    what: 'one bound over all writable places',
    file: PLAN,
    from: 'const size = run.limits.diskBytes + DISK_SLACK_BYTES;',
    to: 'const size = 16 * run.limits.diskBytes;',
    driver: COLD,
    attack: 'disk/all-places-together',
  },
  {
    what: 'the bound on inodes',
    file: PLAN,
    from: 'const inodes = inodeLimit(run.limits.diskBytes) + INODE_SLACK;',
    to: 'const inodes = 2_000_000;',
    driver: COLD,
    attack: 'disk/empty-files',
  },
  {
    what: 'files are opened without following links',
    file: COLLECT,
    from: '      if (stats.isFile()) yield* file(folder, name, path, stats);\n      else if (!stats.isDirectory()) tell(path, `is ${kindOf(stats)}`);',
    to: '      if (!stats.isDirectory()) yield { name: path, size: 5, open: () => Readable.from([]) };',
    driver: COLD,
    attack: 'collecting/symlinks',
  },
  {
    what: 'files with two names stay where they are',
    file: COLLECT,
    from: 'if (stats.nlink !== 1n)',
    to: 'if (stats.nlink === 0n)',
    driver: COLD,
    attack: 'collecting/hard-links',
  },
  {
    what: 'sparse files count as what they claim',
    file: COLLECT,
    from: '      bytes += size;',
    to: '      bytes += 0;',
    driver: COLD,
    attack: 'collecting/sparse-to-the-limit',
  },
  {
    what: 'the CPU limit',
    file: 'src/sandbox/bubblewrap.ts',
    from: 'cgroup?.limit({ ...run.limits, pids:',
    to: 'cgroup?.limit({ ...run.limits, cpus: 2, pids:',
    driver: COLD,
    attack: 'cpu/every-core',
  },
  {
    what: 'other jobs’ folders are taken away, warm',
    file: CONFINE,
    from: '    kernel.unmount("/jobs")\n',
    to: '',
    driver: WARM,
    attack: 'host-files/other-folders-of-the-sandbox',
  },
  {
    what: 'rights given up, warm',
    file: CONFINE,
    from: '    kernel.drop_capabilities()\n',
    to: '',
    driver: WARM,
    attack: 'kernel/capabilities',
  },
  {
    what: 'the system-call filter, warm',
    file: CONFINE,
    from: '    kernel.install_filter(syscall_filter)\n',
    to: '',
    driver: WARM,
    attack: 'kernel/keys',
  },
  {
    what: 'an IPC namespace of each job’s own, warm',
    file: CONFINE,
    from: ' | kernel.CLONE_NEWIPC |',
    to: ' |',
    driver: WARM,
    attack: 'left-behind/objects-of-the-kernel',
  },
  {
    what: 'covered parts of /proc, warm',
    file: CONFINE,
    from: '        kernel.mount(_NULL, path, None, kernel.MS_BIND)\n',
    to: '        pass\n',
    driver: WARM,
    attack: 'host-files/kernel-symbols',
  },
  {
    what: 'the filter’s look at special addresses',
    file: RULESET,
    from: ", ...inSet('special', 'goto refuse')",
    to: '',
    driver: OUTBOUND,
    attack: 'special-addresses',
  },
  {
    what: 'the filter’s look at the machine’s own addresses',
    file: RULESET,
    from: "...inSet('own', 'goto refuse'), ",
    to: '',
    driver: OUTBOUND,
    attack: 'the-machine',
  },
  {
    what: 'the bound on connections',
    file: RULESET,
    from: '    ct count over ${maxFlows} goto refuse\n',
    to: '',
    driver: OUTBOUND,
    attack: 'too-many-connections',
  },
  {
    what: 'an allow-list in the filter',
    file: RULESET,
    from: "[...permittedRules(), 'goto refuse']",
    to: "[...permittedRules(), 'goto count_flows']",
    driver: OUTBOUND,
    attack: 'beyond-the-list',
  },
  {
    what: 'an allow-list in the resolver',
    file: RESOLVER,
    from: 'entries?.length === 0 || ',
    to: '',
    driver: OUTBOUND,
    attack: 'beyond-the-list',
  },
  {
    what: 'the resolver’s look at addresses',
    file: RESOLVER,
    from: '      if (!addresses.every(({ address }) => isPermitted(address))) return say(CODE.ok);\n',
    to: '',
    driver: OUTBOUND,
    attack: 'inner-names',
  },
  {
    what: 'the filter’s look at special addresses, in containers',
    file: RULESET,
    from: ", ...inSet('special', 'goto refuse')",
    to: '',
    driver: DOCKER_OUTBOUND,
    attack: 'special-addresses',
  },
  {
    what: 'the engine’s own resolver closed',
    file: 'src/sandbox/docker/surroundings.ts',
    from: 'closedLoopback: ENGINE_RESOLVER',
    to: 'closedLoopback: []',
    driver: DOCKER_OUTBOUND,
    attack: 'resolver-of-the-engine',
  },
  {
    what: 'low ports closed in a container’s network',
    file: 'src/sandbox/docker/gateway-plan.ts',
    from: "'net.ipv4.ip_unprivileged_port_start': '1024'",
    to: "'net.ipv4.ip_unprivileged_port_start': '0'",
    driver: DOCKER_OUTBOUND,
    attack: 'the-filter-itself',
  },
];
