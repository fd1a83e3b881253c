import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { answers, startDockerd, whyNoDockerd, type Dockerd } from './dockerd.ts';
import { buildExecImage, EXEC_IMAGE } from './docker-image.ts';

const execute = promisify(execFile);
const START_MS = 30_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Why there can be no Podman here; undefined when there can be. Its image comes from Docker, which builds it. */
export const whyNoPodman = (): string | undefined => whyNoDockerd('podman');

/** What is the service's own, so that it meets nobody else's Podman: not even the locks of this machine's. */
const settingsFor = (home: string): string => `[engine]
lock_type = "file"
# On this machine's kind of control groups crun does not run everywhere.
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
tmp_dir = "${join(home, 'tmp')}"
network_config_dir = "${join(home, 'networks')}"
`;

export type Podman = Pick<Dockerd, 'host' | 'socketPath' | 'cli' | 'close'>;

/** Starts Podman's service with the image that jobs run in, and nothing else in it: all that it has goes with it. */
export async function startPodman(): Promise<Podman> {
  const home = await mkdtemp('/var/tmp/job-runner-tests-podman-');
  await mkdir(join(home, 'networks'));
  await writeFile(join(home, 'containers.conf'), settingsFor(home));
  const socketPath = join(home, 'podman.sock');
  const host = `unix://${socketPath}`;
  const folders = ['--root', join(home, 'root'), '--runroot', join(home, 'run')];
  const environment = { PATH: process.env['PATH'], HOME: home, CONTAINERS_CONF: join(home, 'containers.conf') };
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'podman', ...folders, 'system', 'service', '--time', '0', host], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096);
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const cli: Dockerd['cli'] = async (args, options = {}) => {
    const env = { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: host };
    return (await execute('docker', [...args], { env, maxBuffer: MAX_OUTPUT_BYTES, ...options })).stdout;
  };
  const close = async (): Promise<void> => {
    const all = (await cli(['ps', '--all', '--quiet']).catch(() => '')).split('\n').filter((id) => id !== '');
    if (all.length > 0) await cli(['rm', '--force', ...all]);
    child.kill('SIGTERM');
    await exited;
    // It mounts the folder of its layers over itself.
    await execute('umount', ['-l', join(home, 'root/overlay')]).catch(() => undefined);
    await rm(home, { recursive: true, force: true });
  };
  try {
    const deadline = Date.now() + START_MS;
    while (!(await answers(socketPath))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`podman does not start: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await bringImage(join(home, 'image.tar'), cli);
    return { host, socketPath, cli, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function bringImage(file: string, cli: Dockerd['cli']): Promise<void> {
  const docker = await startDockerd();
  try {
    await buildExecImage(docker);
    await docker.cli(['save', '--output', file, EXEC_IMAGE]);
  } finally {
    await docker.close();
  }
  await cli(['load', '--quiet', '--input', file]);
  await rm(file);
}
