/**
 * The system-call filter, assembled as classic BPF (`struct sock_filter`, linux/filter.h; seccomp(2)). It denies what is
 * dangerous on top of the namespaces: what Docker's default profile denies without capabilities, and a little more
 * (ptrace, process_vm_*, io_uring …). Calls that a kernel newer than this table has are answered ENOSYS, as an
 * older kernel would.
 */

export type Architecture = 'x64' | 'arm64';

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const errno = (code: number): number => 0x0005_0000 | code;

interface Table {
  /** AUDIT_ARCH_* of linux/audit.h. */
  audit: number;
  highest: number;
  clone: number;
  clone3: number;
  socket: number;
  socketpair: number;
  ioctl: number;
  personality: number;
  prctl: number;
  ioUring: readonly number[];
  denied: Readonly<Record<string, number>>;
}

/** Calls with one number on every architecture: all that came after Linux 5.0. */
const DENIED_EVERYWHERE = {
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
  quotactl_fd: 443,
  memfd_secret: 447,
  process_mrelease: 448,
  set_mempolicy_home_node: 450,
} as const;

const IO_URING = [425, 426, 427] as const;

/** Numbers from asm/unistd_64.h (x64) and asm-generic/unistd.h (arm64). */
const TABLES: Record<Architecture, Table> = {
  x64: {
    audit: 0xc000_003e,
    highest: 450,
    clone: 56,
    clone3: 435,
    socket: 41,
    socketpair: 53,
    ioctl: 16,
    personality: 135,
    prctl: 157,
    ioUring: IO_URING,
    denied: {
      ...DENIED_EVERYWHERE,
      ptrace: 101,
      syslog: 103,
      uselib: 134,
      ustat: 136,
      sysfs: 139,
      vhangup: 153,
      modify_ldt: 154,
      pivot_root: 155,
      _sysctl: 156,
      adjtimex: 159,
      chroot: 161,
      acct: 163,
      settimeofday: 164,
      mount: 165,
      umount2: 166,
      swapon: 167,
      swapoff: 168,
      reboot: 169,
      sethostname: 170,
      setdomainname: 171,
      iopl: 172,
      ioperm: 173,
      create_module: 174,
      init_module: 175,
      delete_module: 176,
      get_kernel_syms: 177,
      query_module: 178,
      quotactl: 179,
      nfsservctl: 180,
      lookup_dcookie: 212,
      clock_settime: 227,
      mbind: 237,
      set_mempolicy: 238,
      get_mempolicy: 239,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      migrate_pages: 256,
      unshare: 272,
      vmsplice: 278,
      move_pages: 279,
      perf_event_open: 298,
      fanotify_init: 300,
      name_to_handle_at: 303,
      open_by_handle_at: 304,
      clock_adjtime: 305,
      setns: 308,
      process_vm_readv: 310,
      process_vm_writev: 311,
      kcmp: 312,
      finit_module: 313,
      kexec_file_load: 320,
      bpf: 321,
      userfaultfd: 323,
    },
  },
  arm64: {
    audit: 0xc000_00b7,
    highest: 450,
    clone: 220,
    clone3: 435,
    socket: 198,
    socketpair: 199,
    ioctl: 29,
    personality: 92,
    prctl: 167,
    ioUring: IO_URING,
    denied: {
      ...DENIED_EVERYWHERE,
      lookup_dcookie: 18,
      umount2: 39,
      mount: 40,
      pivot_root: 41,
      nfsservctl: 42,
      chroot: 51,
      vhangup: 58,
      quotactl: 60,
      vmsplice: 75,
      acct: 89,
      kexec_load: 104,
      init_module: 105,
      delete_module: 106,
      clock_settime: 112,
      syslog: 116,
      ptrace: 117,
      reboot: 142,
      sethostname: 161,
      setdomainname: 162,
      settimeofday: 170,
      adjtimex: 171,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      swapon: 224,
      swapoff: 225,
      mbind: 235,
      get_mempolicy: 236,
      set_mempolicy: 237,
      migrate_pages: 238,
      move_pages: 239,
      perf_event_open: 241,
      unshare: 97,
      fanotify_init: 262,
      name_to_handle_at: 264,
      open_by_handle_at: 265,
      clock_adjtime: 266,
      setns: 268,
      process_vm_readv: 270,
      process_vm_writev: 271,
      kcmp: 272,
      finit_module: 273,
      bpf: 280,
      userfaultfd: 282,
      kexec_file_load: 294,
    },
  },
};

/**
 * CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; and PARENT, by which a job would give children to the process that
 * started it (linux/sched.h).
 */
const CLONE_DENIED = 0x7e02_8000;
/** x32 calls carry this bit in their number; none is allowed. */
const X32_BIT = 0x4000_0000;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const PR_SET_MM = 35;
/** PER_LINUX, PER_LINUX32, UNAME26, and "tell me the present one". */
const PERSONALITIES = [0, 8, 0x2_0000, 0xffff_ffff] as const;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number];

// Offsets in struct seccomp_data (linux/seccomp.h); the low half of an argument comes first on both architectures.
const NR = 0;
const ARCH = 4;
const argument = (index: number): number => 16 + 8 * index;

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const mask = (bits: number): Instruction => [0x54, 0, 0, bits];
const answer = (action: number): Instruction => [0x06, 0, 0, action];
/** Skips the next `skip` instructions unless the loaded value is `k`. */
const unlessEqualSkip = (k: number, skip: number): Instruction => [0x15, 0, skip, k];
const ifEqualSkip = (k: number, skip: number): Instruction => [0x15, skip, 0, k];
const unlessAtLeastSkip = (k: number, skip: number): Instruction => [0x35, 0, skip, k];
/** Unlike the others', its distance is not limited to 255. */
const skip = (count: number): Instruction => [0x05, 0, 0, count];

const answerIfEqual = (k: number, action: number): Instruction[] => [unlessEqualSkip(k, 1), answer(action)];

/** What is done about one call: an answer, or instructions that end in one on every way through them. */
interface CallRule {
  nr: number;
  action: number | readonly Instruction[];
}

const FEW = 6;

/**
 * Finds the rule for the call, whose number is loaded, by bisection; a call without one is allowed. The kernel tries every call's number on
 * a filter that it is given (seccomp_cache_prepare) and translates all of it, and each job has that done twice: a filter that is short,
 * and goes through few of its instructions, is installed in two thirds of the time of a plain list.
 */
function choose(rules: readonly CallRule[]): Instruction[] {
  if (rules.length > FEW) {
    const middle = rules.length >> 1;
    const [low, high] = [choose(rules.slice(0, middle)), choose(rules.slice(middle))];
    return [unlessAtLeastSkip(rules[middle]?.nr ?? 0, 1), skip(low.length), ...low, ...high];
  }
  const looked = rules.flatMap(({ nr, action }) => (typeof action === 'number' ? [] : [unlessEqualSkip(nr, action.length), ...action]));
  const plain = rules.flatMap(({ nr, action }) => (typeof action === 'number' ? [{ nr, action }] : []));
  const answers = [...new Set(plain.map(({ action }) => action))];
  // Behind the comparisons that are left and the one answer for all others.
  const distance = (index: number, action: number): number => plain.length - index + answers.indexOf(action);
  return [
    ...looked,
    ...plain.map(({ nr, action }, index) => ifEqualSkip(nr, distance(index, action))),
    answer(ALLOW),
    ...answers.map(answer),
  ];
}

const socketRule: readonly Instruction[] = [
  load(argument(0)),
  ...answerIfEqual(AF_UNIX, ALLOW),
  ...answerIfEqual(AF_INET, ALLOW),
  ...answerIfEqual(AF_INET6, ALLOW),
  unlessEqualSkip(AF_NETLINK, 3),
  // NETLINK_ROUTE only: getaddrinfo and getifaddrs need it.
  load(argument(2)),
  ...answerIfEqual(0, ALLOW),
  answer(errno(EAFNOSUPPORT)),
];

function instructionsFor(table: Table): Instruction[] {
  const rules: CallRule[] = [
    // glibc falls back to clone, whose flags can be looked at; those of clone3 are behind a pointer.
    ...[table.clone3, ...table.ioUring].map((nr) => ({ nr, action: errno(ENOSYS) })),
    ...Object.values(table.denied).map((nr) => ({ nr, action: errno(EPERM) })),
    { nr: table.clone, action: [load(argument(0)), mask(CLONE_DENIED), ...answerIfEqual(0, ALLOW), answer(errno(EPERM))] },
    { nr: table.socket, action: socketRule },
    { nr: table.socketpair, action: socketRule },
    {
      nr: table.ioctl,
      action: [load(argument(1)), ...answerIfEqual(TIOCSTI, errno(EPERM)), ...answerIfEqual(TIOCLINUX, errno(EPERM)), answer(ALLOW)],
    },
    {
      nr: table.personality,
      action: [load(argument(0)), ...PERSONALITIES.flatMap((persona) => answerIfEqual(persona, ALLOW)), answer(errno(EPERM))],
    },
    { nr: table.prctl, action: [load(argument(0)), ...answerIfEqual(PR_SET_MM, errno(EPERM)), answer(ALLOW)] },
  ];
  return [
    load(ARCH),
    ifEqualSkip(table.audit, 1),
    answer(KILL_PROCESS),
    load(NR),
    unlessAtLeastSkip(X32_BIT, 1),
    answer(errno(ENOSYS)),
    unlessAtLeastSkip(table.highest + 1, 1),
    answer(errno(ENOSYS)),
    ...choose(rules.toSorted((one, other) => one.nr - other.nr)),
  ];
}

/** The filter as bubblewrap reads it from a descriptor: 8 bytes an instruction, little-endian. */
export function seccompFilter(architecture: Architecture): Buffer {
  const instructions = instructionsFor(TABLES[architecture]);
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [index, [code, ifTrue, ifFalse, k]] of instructions.entries()) {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(k >>> 0, at + 4);
  }
  return bytes;
}

interface ProfileArgument {
  index: number;
  value: number;
  valueTwo?: number;
  op: 'SCMP_CMP_MASKED_EQ' | 'SCMP_CMP_GT' | 'SCMP_CMP_NE';
}
interface ProfileRule {
  names: string[];
  action: 'SCMP_ACT_ERRNO';
  errnoRet: number;
  args?: ProfileArgument[];
}
export interface SeccompProfile {
  defaultAction: 'SCMP_ACT_ALLOW';
  architectures: string[];
  syscalls: ProfileRule[];
}

const LOW_HALF = 0xffff_ffff;
const PROFILE_ARCHITECTURES: Record<Architecture, string> = { x64: 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' };

/**
 * The same as a profile for container engines (the "seccomp" of the OCI runtime specification), as far as that can say it: it knows calls
 * by names, so none that are newer than the engine's library, and has no "neither this nor that". What is missing, each job's
 * process adds by the filter above; the profile is for everything else in a container as well.
 */
export function seccompProfile(architecture: Architecture): SeccompProfile {
  const deny = (names: string[], code: number, ...args: ProfileArgument[]): ProfileRule => ({
    names,
    action: 'SCMP_ACT_ERRNO',
    errnoRet: code,
    ...(args.length > 0 ? { args } : {}),
  });
  const equal = (index: number, value: number): ProfileArgument => ({
    index,
    value: LOW_HALF,
    valueTwo: value,
    op: 'SCMP_CMP_MASKED_EQ',
  });
  const cloneBits = Array.from({ length: 32 }, (_, bit) => 2 ** bit).filter((bit) => (CLONE_DENIED & bit) !== 0);
  const families: number[] = [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK];
  const deniedFamilies = Array.from({ length: AF_NETLINK }, (_, family) => family).filter((family) => !families.includes(family));
  const sockets = ['socket', 'socketpair'];
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: [PROFILE_ARCHITECTURES[architecture]],
    syscalls: [
      deny(Object.keys(TABLES[architecture].denied), EPERM),
      deny(['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register'], ENOSYS),
      ...cloneBits.map((bit) => deny(['clone'], EPERM, { index: 0, value: bit, valueTwo: bit, op: 'SCMP_CMP_MASKED_EQ' })),
      ...deniedFamilies.map((family) => deny(sockets, EAFNOSUPPORT, equal(0, family))),
      deny(sockets, EAFNOSUPPORT, { index: 0, value: AF_NETLINK, op: 'SCMP_CMP_GT' }),
      deny(sockets, EAFNOSUPPORT, equal(0, AF_NETLINK), { index: 2, value: 0, op: 'SCMP_CMP_NE' }),
      ...[TIOCSTI, TIOCLINUX].map((request) => deny(['ioctl'], EPERM, equal(1, request))),
      deny(['prctl'], EPERM, equal(0, PR_SET_MM)),
    ],
  };
}
