import { z } from 'zod';
import { StartError } from '../../errors.ts';
import type { Guarantees, SandboxHealth } from '../sandbox.ts';
import type { Architecture } from '../seccomp/calls.ts';
import { createEngineClient, type EngineClient } from './client.ts';
import { possibleEngines, type EngineSettings } from './engine.ts';

export interface Connection {
  client: EngineClient;
  /** Of the engine's machine, which may be another one. */
  architecture: Architecture;
  /** Whether it is Podman, which makes containers over an API of its own. */
  podman: boolean;
  /** Whether a container can be given other limits while it runs: gVisor has no word for it. */
  canUpdate: boolean;
  /** Of the engine's machine; whether jobs can have a network, others know. */
  health: Omit<SandboxHealth, 'outbound'>;
  /** The name of what the containers of jobs run in, as far as the engine tells. */
  runtime: string;
  /** Whether that is gVisor: a kernel of its own in a process, which is held to the same limits as the job in it. */
  gvisor: boolean;
  /** Whether that brings a network stack of its own. */
  ownStack: boolean;
}

const PING_MS = 5000;
/** The newest API that these calls were written for; older ones have all of them. */
const NEWEST_API = 47;

const version = z.object({
  ApiVersion: z.string().regex(/^1\.\d+$/),
  Arch: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string().default('') })).nullish(),
});
const info = z.object({
  MemoryLimit: z.boolean().default(false),
  SwapLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
  CpuCfsQuota: z.boolean().default(false),
  SecurityOptions: z.array(z.string()).nullish(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  DefaultRuntime: z.string().nullish(),
  Rootless: z.boolean().nullish(),
  CgroupVersion: z.string().nullish(),
});

export type EngineInfo = z.output<typeof info>;

const GVISOR = /runsc|gvisor/i;
const OWN_STACK = /runsc|gvisor|kata|krun|firecracker|wasm/i;

const ARCHITECTURES: Readonly<Record<string, Architecture>> = { amd64: 'x64', arm64: 'arm64' };

async function firstThatAnswers(settings: EngineSettings) {
  const failures: string[] = [];
  for (const engine of possibleEngines(settings)) {
    const client = createEngineClient(engine);
    try {
      const { body } = await client.call('GET', '/version', undefined, PING_MS);
      return { found: { engine, version: version.parse(body) }, failures };
    } catch (error) {
      failures.push(`${engine.host}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      client.close();
    }
  }
  return { found: undefined, failures };
}

/** Finds the engine and what it can do. Throws a StartError with what mends it. */
export async function connect(settings: EngineSettings, runtime: string | undefined): Promise<Connection> {
  const { found, failures } = await firstThatAnswers(settings);
  if (found === undefined) {
    throw new StartError(
      `No Docker engine answers (${failures.join('; ')}).`,
      'start one (sudo systemctl start docker), let this user reach its socket, or set DOCKER_HOST to where it is',
    );
  }
  const { ApiVersion, Arch, Components } = found.version;
  const architecture = ARCHITECTURES[Arch];
  if (architecture === undefined)
    throw new StartError(`There is no system-call filter for the engine’s ${Arch}.`, 'use one on x86_64 or arm64');
  const client = createEngineClient(found.engine, `/v1.${Math.min(NEWEST_API, Number(ApiVersion.slice(2)))}`);
  const can = info.parse((await client.call('GET', '/info')).body);
  if (runtime !== undefined && can.Runtimes && !(runtime in can.Runtimes)) {
    client.close();
    const known = Object.keys(can.Runtimes).join(', ');
    throw new StartError(
      `DOCKER_RUNTIME=${runtime} is not known to the engine, which has ${known}.`,
      'add it to "runtimes" in /etc/docker/daemon.json',
    );
  }
  const podman = Components?.find(({ Name }) => Name.includes('Podman'))?.Version;
  const name = runtime ?? can.DefaultRuntime ?? '';
  const details = JSON.stringify(can.Runtimes?.[name] ?? '');
  const gvisor = GVISOR.test(`${name} ${details}`);
  return {
    client,
    architecture,
    podman: podman !== undefined,
    canUpdate: !gvisor && (podman === undefined || canPodmanUpdate(podman)),
    health: healthOf(can, podman !== undefined, gvisor),
    runtime: name,
    gvisor,
    ownStack: OWN_STACK.test(`${name} ${details}`),
  };
}

/** From 5.1 on Podman has Docker's call for it (podman#22322). */
function canPodmanUpdate(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => parseInt(part));
  return major > 5 || (major === 5 && minor >= 1);
}

export function healthOf(can: EngineInfo, podman: boolean, gvisor: boolean): Connection['health'] {
  const options = can.SecurityOptions ?? [];
  const seccomp = options.some((option) => option.startsWith('name=seccomp'));
  // Without root Podman passes over limits where control groups are of version 1, and answers as if it didn't.
  const areHeld = !(podman && can.Rootless === true && can.CgroupVersion !== '2');
  const limits = { memory: can.MemoryLimit && areHeld, pids: can.PidsLimit && areHeld, cpu: can.CpuCfsQuota && areHeld };
  const guarantees: Guarantees = {
    filesystem: true,
    network: true,
    processes: true,
    syscalls: seccomp,
    user: true,
    ...limits,
    pids: limits.pids && !gvisor,
    disk: !gvisor,
  };
  const notes: string[] = [];
  if (gvisor) notes.push('gVisor counts neither processes nor files, and /tmp has a bound of its own: a job’s memory bounds all of it');
  if (!seccomp) notes.push('the engine applies no system-call filter: only a job’s own process has one');
  for (const [name, held] of Object.entries(limits))
    if (!held) notes.push(`the engine can’t limit ${name}: give it control groups (rootless: systemd with Delegate=yes)`);
  if (limits.memory && !can.SwapLimit) notes.push('the kernel doesn’t count swap: jobs may use it (swapaccount=1)');
  return { guarantees, notes };
}
