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
} from './calls.ts';

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
 * The filter (filter.ts) as a profile for container engines (the "seccomp" of the OCI runtime specification), as far as that can say it: it knows calls
 * by names, so none that are newer than the engine's library, and has no "neither this nor that". What is missing, each job's
 * process adds by the filter itself; the profile is for everything else in a container as well.
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
