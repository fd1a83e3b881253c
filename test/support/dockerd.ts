import { execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A Docker daemon of the tests' own. */
export interface Dockerd {
  pid: number;
  /** As DOCKER_HOST says it. */
  host: string;
  socketPath: string;
  /** Runs the command line against it; resolves with what it said, rejects with what it complained about. */
  cli(args: readonly string[], options?: { cwd?: string }): Promise<string>;
  /** Removes all of its containers. Those with a restart policy would be back with the next daemon. */
  clear(): Promise<void>;
  /** Ends it with all of its containers. Images stay in its data root, for the next run. */
  close(): Promise<void>;
}

/** Images outlive a run, so that only the first one builds them; one daemon at a time uses them, and others wait. */
const DATA = '/var/tmp/job-runner-tests';
const ROOT = join(DATA, 'docker');
const NETWORKS = join(ROOT, 'network');
// A root that is no shared mount, dockerd mounts over itself, without what is mounted in it.
const OWN_NETWORKS = `mount --bind ${ROOT} ${ROOT} && mount --make-shared ${ROOT} && mount -t tmpfs tmpfs ${NETWORKS}`;
const START_MS = 30_000;
const USUAL_SOCKET = '/var/run/docker.sock';
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export const isThere = (program: string): boolean =>
  ['/usr/bin', '/usr/sbin', '/usr/local/bin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Why there can be no daemon here, or not what else is needed beside it; undefined when there can be. Continuous integration must have them. */
export function whyNoDockerd(...others: string[]): string | undefined {
  const missing = ['dockerd', 'docker', 'mmdebstrap', 'flock', 'setpriv', ...others].filter((program) => !isThere(program));
  const reason =
    process.getuid?.() !== 0
      ? 'a Docker daemon needs root'
      : missing.length > 0
        ? `missing: ${missing.join(', ')} (apt-get install -y --no-install-recommends ${['docker.io', 'mmdebstrap', ...others].join(' ')})`
        : undefined;
  if (reason !== undefined && process.env['CI']) throw new Error(reason);
  return reason;
}

export const answers = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('error', () => resolve(false)).end();
  });

/**
 * Starts a daemon without networks of its own: jobs have none, and builds use the host's. Waits for a turn where another test has one.
 * With `apart` it lives in a network namespace, where containers may have networks and ports without meeting anybody's, and nothing outside is
 * reached; there it also listens at the place that everybody's does, which only its own containers see. `bridged`, for a caller that is in a
 * namespace of its own: with the networks and filters that engines usually have. `runtimes`: further ones, by their programs.
 */
export async function startDockerd({
  apart = false,
  bridged = false,
  runtimes = {},
}: { apart?: boolean; bridged?: boolean; runtimes?: Record<string, string> } = {}): Promise<Dockerd> {
  await mkdir(DATA, { recursive: true, mode: 0o700 });
  if (apart || bridged) await mkdir(NETWORKS, { recursive: true });
  // Short, for the paths of Unix sockets are.
  const home = await mkdtemp('/tmp/jr-docker-');
  const socketPath = join(home, 'docker.sock');
  const host = `unix://${socketPath}`;
  // Dies with the process that the tests run in, however that ends. The lock is inherited, and released with the last who has it.
  const child = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'flock', '--no-fork', join(DATA, 'lock')],
      // Each program takes the place of the one before: the process stays the one that we know.
      ...(apart ? ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] : []),
      // What it knows of its networks is not for the next daemon, which would make them where it is.
      ...(apart || bridged ? ['unshare', '--mount', 'sh', '-c', `${OWN_NETWORKS} && exec "$@"`, 'sh'] : []),
      ...(apart ? ['sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh'] : []),
      'dockerd',
      ...(apart ? ['-H', `unix://${USUAL_SOCKET}`] : []),
      ...['--data-root', ROOT, '--exec-root', join(home, 'exec'), '--pidfile', join(home, 'pid'), '-H', host],
      '--log-level=warn',
      ...Object.entries(runtimes).map(([name, path]) => `--add-runtime=${name}=${path}`),
      ...(bridged ? ['--ipv6', '--fixed-cidr-v6=fd77:17::/64', '--ip6tables', '--experimental'] : []),
      ...(apart || bridged ? [] : ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false']),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096);
  });
  let over = false;
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => {
      over = true;
      resolve();
    });
  });
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
    // It leaves its network namespace mounted.
    await execute('umount', ['-l', join(home, 'exec/netns/default')]).catch(() => undefined);
    await rm(home, { recursive: true, force: true });
  };

  let deadline: number | undefined;
  while (!(await answers(socketPath))) {
    // Only from the first word on: before that it waits for its turn.
    if (said !== '') deadline ??= Date.now() + START_MS;
    if (over || (deadline !== undefined && Date.now() > deadline)) {
      await close();
      throw new Error(`dockerd does not start: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const cli: Dockerd['cli'] = async (args, options = {}) => {
    const env = { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: host };
    const { stdout } = await execute('docker', [...args], { env, maxBuffer: MAX_OUTPUT_BYTES, ...options });
    return stdout;
  };
  const clear = async (): Promise<void> => {
    const all = (await cli(['ps', '--all', '--quiet'])).split('\n').filter((id) => id !== '');
    if (all.length > 0) await cli(['rm', '--force', '--volumes', ...all]);
  };
  // What a run left that was killed.
  await clear();
  return { pid: child.pid ?? 0, host, socketPath, cli, clear, close };
}
