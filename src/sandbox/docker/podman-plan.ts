import {
  CAPABILITIES,
  CPU_PERIOD_US,
  entrypoint,
  LOCKED_BYTES,
  MASKED,
  OPEN_FILES,
  resources,
  roomOfAll,
  type ContainerPlan,
} from './plan.ts';

/**
 * The request that makes a container at Podman's own API (POST /libpod/containers/create, a SpecGenerator). Its form of Docker's API takes a
 * system-call profile for the name of a file (podman#27710), and gives a read-only container writable folders that nobody asked for.
 *
 * What neither form takes is done otherwise: Podman's own profile holds for the container, and the exact filter for the program in any case;
 * the writable place is root's, until the init makes it its own; how many files it holds, the init counts.
 */
export function podmanBody(plan: ContainerPlan): object {
  const { Memory: limit, MemorySwap: swap, CpuQuota: quota, PidsLimit: pids } = resources(plan);
  const limited = (type: string, most: number): object => ({ type, soft: most, hard: most });
  return {
    image: plan.image,
    entrypoint: entrypoint(plan.bootstrap),
    command: [],
    user: '0:0',
    work_dir: '/',
    labels: plan.labels,
    stdin: true,
    terminal: false,
    httpproxy: false,
    systemd: 'false',
    init: false,
    log_configuration: { driver: 'none' },
    restart_policy: 'no',
    netns: { nsmode: 'none' },
    ipcns: { nsmode: 'none' },
    cgroupns: { nsmode: 'private' },
    hostname: 'job',
    read_only_filesystem: true,
    read_write_tmpfs: false,
    image_volume_mode: 'ignore',
    mounts: [
      {
        destination: '/workspace',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['rw', 'exec', 'nosuid', 'nodev', `size=${roomOfAll(plan).bytes}`, 'mode=0755', 'notmpcopyup'],
      },
    ],
    cap_drop: ['ALL'],
    // For the writable place, until the init is no longer root.
    cap_add: ['CHOWN', ...CAPABILITIES],
    no_new_privileges: true,
    mask: MASKED,
    resource_limits: { memory: { limit, swap }, cpu: { quota, period: CPU_PERIOD_US }, pids: { limit: pids } },
    r_limits: [
      limited('CORE', 0),
      limited('NOFILE', OPEN_FILES),
      limited('MEMLOCK', LOCKED_BYTES),
      // Without one Podman asks for four million, which not every root may have. The processes of all jobs are counted together.
      limited('NPROC', ALL_PROCESSES),
    ],
    ...(plan.runtime === undefined ? {} : { oci_runtime: plan.runtime }),
  };
}

/** As many as there are where nobody has raised that. */
const ALL_PROCESSES = 32_768;
