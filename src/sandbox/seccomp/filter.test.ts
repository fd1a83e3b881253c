import { describe, expect, it } from 'vitest';
import type { Architecture } from './calls.ts';
import { seccompFilter } from './filter.ts';

interface Call {
  arch: number;
  nr: number;
  args?: number[];
}

/** The kernel's part: a classic BPF machine with the instructions that filters use (bpf(4), linux/bpf_common.h). */
function evaluate(filter: Buffer, call: Call): string {
  return run(filter, call).decision;
}

function run(filter: Buffer, call: Call): { decision: string; steps: number } {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.nr >>> 0, 0);
  data.writeUInt32LE(call.arch, 4);
  for (const [index, value] of (call.args ?? []).entries()) data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  let accumulator = 0;
  let steps = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    steps++;
    const code = filter.readUInt16LE(at * 8);
    const ifTrue = filter.readUInt8(at * 8 + 2);
    const ifFalse = filter.readUInt8(at * 8 + 3);
    const k = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x15) at += accumulator === k ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= k ? ifTrue : ifFalse;
    else if (code === 0x05) at += k;
    else if (code === 0x06) {
      return { decision: k === 0x7fff_0000 ? 'allow' : k === 0x8000_0000 ? 'kill' : `errno ${k & 0xffff}`, steps };
    } else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('fell off the end of the filter');
}

const MACHINES: Record<
  Architecture,
  {
    arch: number;
    other: number;
    read: number;
    mount: number;
    clone: number;
    socket: number;
    ioctl: number;
    personality: number;
    prctl: number;
    ptrace: number;
  }
> = {
  x64: {
    arch: 0xc000_003e,
    other: 0x4000_0003,
    read: 0,
    mount: 165,
    clone: 56,
    socket: 41,
    ioctl: 16,
    personality: 135,
    prctl: 157,
    ptrace: 101,
  },
  arm64: {
    arch: 0xc000_00b7,
    other: 0x4000_0028,
    read: 63,
    mount: 40,
    clone: 220,
    socket: 198,
    ioctl: 29,
    personality: 92,
    prctl: 167,
    ptrace: 117,
  },
};
const EPERM = 'errno 1';
const ENOSYS = 'errno 38';

describe.each(['x64', 'arm64'] as const)('seccomp filter for %s', (architecture) => {
  const machine = MACHINES[architecture];
  const filter = seccompFilter(architecture);
  const decide = (nr: number, ...args: number[]): string => evaluate(filter, { arch: machine.arch, nr, args });

  it('allows ordinary calls', () => {
    expect(decide(machine.read)).toBe('allow');
  });

  it('kills a program that speaks another architecture’s language', () => {
    expect(evaluate(filter, { arch: machine.other, nr: machine.read })).toBe('kill');
  });

  it('knows no x32 calls and none that came after it', () => {
    expect(decide(machine.read + 0x4000_0000)).toBe(ENOSYS);
    expect(decide(451)).toBe(ENOSYS);
    expect(decide(0xffff_ffff)).toBe(ENOSYS);
  });

  it('refuses mounting, tracing and the new mount calls', () => {
    for (const nr of [machine.mount, machine.ptrace, 428, 429, 430, 431, 432, 433, 442]) expect(decide(nr)).toBe(EPERM);
  });

  it('has neither clone3 nor io_uring', () => {
    for (const nr of [435, 425, 426, 427]) expect(decide(nr)).toBe(ENOSYS);
  });

  it('lets threads and processes be made, but no namespaces and no brothers, whatever else the flags say', () => {
    expect(decide(machine.clone, 0x0001_1200)).toBe('allow');
    for (const flag of [0x8000, 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]) {
      expect(decide(machine.clone, flag | 17)).toBe(EPERM);
    }
  });

  it('gives Unix, IPv4, IPv6 and routing sockets only', () => {
    for (const family of [1, 2, 10]) expect(decide(machine.socket, family, 1, 0)).toBe('allow');
    expect(decide(machine.socket, 16, 3, 0)).toBe('allow');
    expect(decide(machine.socket, 16, 3, 12)).toBe('errno 97');
    for (const family of [17, 38, 40, 31]) expect(decide(machine.socket, family, 3, 0)).toBe('errno 97');
  });

  it('refuses to push characters into a terminal, also with high bits set', () => {
    expect(decide(machine.ioctl, 0, 0x5401)).toBe('allow');
    expect(decide(machine.ioctl, 0, 0x5412)).toBe(EPERM);
    expect(decide(machine.ioctl, 0, 0x1_0000_5412)).toBe(EPERM);
    expect(decide(machine.ioctl, 0, 0x541c)).toBe(EPERM);
  });

  it('allows the harmless personalities only', () => {
    for (const persona of [0, 8, 0x2_0000, 0xffff_ffff]) expect(decide(machine.personality, persona)).toBe('allow');
    expect(decide(machine.personality, 0x4_0000)).toBe(EPERM);
  });

  it('comes to its answer in few steps, for the kernel asks about every call when it installs the filter', () => {
    for (let nr = 0; nr <= 460; nr++) expect(run(filter, { arch: machine.arch, nr }).steps, `call ${nr}`).toBeLessThanOrEqual(24);
  });

  it('refuses to rewrite a process’s own memory map', () => {
    expect(decide(machine.prctl, 35)).toBe(EPERM);
    expect(decide(machine.prctl, 15)).toBe('allow');
  });
});
