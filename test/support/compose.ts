import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { buildExecImage, buildServiceImage } from './docker-image.ts';
import { startDockerd, type Dockerd } from './dockerd.ts';
import { forwardInto } from './forwarding.ts';
import { provideMinio, provideRedis } from './stand-ins.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** The image that a service of the compose file has when nobody says otherwise. */
async function imageOf(service: string): Promise<string> {
  const { services } = parse(await readFile(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, { image: string }>;
  };
  return services[service]?.image.replace(/^\$\{\w+:-(.*)\}$/, '$1') ?? '';
}

/** A machine of its own, with a Docker daemon and a clone of this repository, and nothing outside that could be reached. */
export interface ComposeMachine {
  docker: Dockerd;
  /** The clone: what images are made of, and docker-compose.yml. */
  clone: string;
  /** Where the service is that the machine has on its port 8000. */
  url: string;
  /** `docker-compose`, in the clone. Resolves with what it said on stdout; rejects with its complaints when it fails. */
  compose(args: readonly string[]): Promise<string>;
  /** Lines for a shell on the machine, in a folder. Resolves with what they said on stdout; rejects at the first one that fails. */
  shell(lines: string, cwd: string): Promise<string>;
  close(): Promise<void>;
}

/** Images are built where registries of packages are reached, and brought up where nothing is. */
async function buildImages(): Promise<void> {
  const docker = await startDockerd();
  try {
    await buildExecImage(docker);
    await buildServiceImage(docker);
    await provideRedis(docker, await imageOf('redis'));
    await provideMinio(docker, await imageOf('minio'));
  } finally {
    await docker.close();
  }
}

/** What docker build takes of a folder. */
async function cloneInto(folder: string): Promise<void> {
  const rules = await readFile(join(ROOT, '.dockerignore'), 'utf8');
  const names = rules.split('\n').filter((line) => line.startsWith('!'));
  for (const name of ['.dockerignore', 'Dockerfile', 'Dockerfile.exec', ...names.map((line) => line.slice(1))]) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true, verbatimSymlinks: true });
  }
}

/** Starts it, with all images that the compose file names. */
export async function startComposeMachine(): Promise<ComposeMachine> {
  await buildImages();
  const docker = await startDockerd({ apart: true });
  // The folder's name is the project's, and so a part of the containers' names.
  const clone = await mkdtemp(join(tmpdir(), 'job-runner-compose-'));
  await cloneInto(clone);
  const way = await forwardInto(docker.pid, 8000, clone);
  const environment = { PATH: process.env['PATH'], HOME: clone, DOCKER_HOST: docker.host };
  return {
    docker,
    clone,
    url: way.url,
    async compose(args) {
      const options = { cwd: clone, env: environment, maxBuffer: MAX_OUTPUT_BYTES };
      return (await execute('docker-compose', ['--ansi', 'never', ...args], options)).stdout;
    },
    async shell(lines, cwd) {
      const inside = ['--target', String(docker.pid), '--net', 'bash', '--norc', '-euo', 'pipefail', '-c', lines];
      return (await execute('nsenter', inside, { cwd, env: environment, maxBuffer: MAX_OUTPUT_BYTES })).stdout;
    },
    async close() {
      await way.close();
      await docker.clear();
      await docker.close();
      await rm(clone, { recursive: true, force: true });
    },
  };
}
