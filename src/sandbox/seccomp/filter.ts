/**
 * The system-call filter, assembled as classic BPF (`struct sock_filter`, linux/filter.h; seccomp(2)). It denies what is
 * dangerous on top of the namespaces: what Docker's default profile denies without capabilities, and a little more
 * (ptrace, process_vm_*, io_uring …). Calls that a kernel newer than this table has are answered ENOSYS, as an
 * older kernel would.
 */

import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  CLONE_DENIED,
  EAFNOSUPPORT,
  ENOSYS,
  EPERM,
  PR_SET_MM,
  TABLES,
  TIOCLINUX,
  TIOCSTI,
  type Architecture,
  type Table,
} from './calls.ts';

const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const errno = (code: number): number => 0x0005_0000 | code;

/** x32 calls carry this bit in their number; none is allowed. */
const X32_BIT = 0x4000_0000;
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
