import { ATTACHED, MASKED, READ_ONLY, USERS } from './plan.ts';

/** The containers that have a network, as requests to the engine: pure. In none of them is anything of a job's. */

interface OwnContainer {
  image: string;
  /** The source of its one process. */
  program: string;
  runtime: string | undefined;
  labels: Record<string, string>;
}

const MIB = 1024 * 1024;
const CPU_PERIOD_US = 100_000;

function body({ image, program, runtime, labels }: OwnContainer, host: object): { HostConfig: object } & Record<string, unknown> {
  return {
    Image: image,
    Entrypoint: ['python3', '-I', '-S', '-c', program],
    Cmd: [],
    WorkingDir: '/',
    Labels: labels,
    ...ATTACHED,
    HostConfig: {
      IpcMode: 'none',
      CgroupnsMode: 'private',
      CapDrop: ['ALL'],
      // With the engine's own system-call filter: the jobs' has no packet filter among what it allows.
      SecurityOpt: ['no-new-privileges'],
      MaskedPaths: MASKED,
      ReadonlyPaths: READ_ONLY,
      // The interpreter, and nft for moments.
      Memory: 64 * MIB,
      MemorySwap: 64 * MIB,
      CpuPeriod: CPU_PERIOD_US,
      CpuQuota: CPU_PERIOD_US,
      PidsLimit: 16,
      LogConfig: { Type: 'none' },
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      Init: false,
      ...(runtime === undefined ? {} : { Runtime: runtime }),
      ...host,
    },
  };
}

/** One job's gateway: the container whose network namespace the job's joins. `network`: undefined for the engine's default. */
export const gatewayBody = (own: OwnContainer, network: string | undefined): object => {
  const host = {
    NetworkMode: network ?? 'default',
    // Over this namespace and no other: the packet filter, and the port of DNS.
    CapAdd: ['NET_ADMIN', 'NET_BIND_SERVICE'],
    // What the engine opens to containers: low ports to everybody, and sockets for pings.
    Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '1024', 'net.ipv4.ping_group_range': '1 0' },
    Dns: ['127.0.0.1'],
    // Its own resolv.conf, which is the job's as well, must be written on networks where the engine has a resolver.
    ReadonlyRootfs: false,
  };
  // A container that joins a network has its hostname from there.
  return { ...body(own, host), Hostname: 'job', User: '0:0' };
};

/** Looks at the addresses of the engine's machine, with no right at all, and ends. */
export const lookoutBody = (own: OwnContainer): object => ({
  ...body(own, { NetworkMode: 'host', UsernsMode: 'host', ReadonlyRootfs: true }),
  User: `${USERS.init}:${USERS.init}`,
});
