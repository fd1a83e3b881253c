import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Dockerd } from './dockerd.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** The name that Dockerfile.exec gives to its image, in its first lines. */
export const EXEC_IMAGE = 'job-runner-exec:py3.12';

/** What pip is configured to on this machine, its certificates aside: a build inside of an image has none of it. */
async function pipConfig(): Promise<string> {
  const { stdout } = await execute('python3', ['-m', 'pip', 'config', 'list']).catch(() => ({ stdout: '' }));
  const settings = [...stdout.matchAll(/^(?:global|:env:)\.(index-url|extra-index-url|trusted-host|proxy|default-timeout)='(.*)'$/gm)];
  return ['[global]', `cert = ${CERTIFICATES}`, ...settings.map(([, name, value]) => `${name} = ${value}`), ''].join('\n');
}

const keyOf = (parts: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** What an image of ours was made from; empty where there is none. */
const keyFor = async (docker: Dockerd, name: string): Promise<string> =>
  (await docker.cli(['image', 'inspect', '--format', '{{index .Config.Labels "test-base"}}', name]).catch(() => '')).trim();

/**
 * Makes an image of this machine's own distribution under the name that a Dockerfile's FROM says, so that nothing is pulled and the
 * real Dockerfile is what gets built. A data root keeps it for the next time.
 */
export async function provideBase(docker: Dockerd, name: string, packages: readonly string[]): Promise<void> {
  const release = await readFile('/etc/os-release', 'utf8');
  const suite = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? 'stable';
  const config = await pipConfig();
  const key = keyOf([suite, packages, config, await readFile(CERTIFICATES)]);
  if ((await keyFor(docker, name)) === key) return;

  const home = await mkdtemp(join(tmpdir(), 'docker-base-'));
  try {
    const tar = join(home, 'base.tar');
    await writeFile(join(home, 'pip.conf'), config);
    const args = [
      ...['--quiet', '--variant=minbase', `--include=${['ca-certificates', ...packages].join(',')}`],
      ...['doc', 'man', 'locale'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
      `--customize-hook=upload ${CERTIFICATES} ${CERTIFICATES}`,
      `--customize-hook=upload ${join(home, 'pip.conf')} /etc/pip.conf`,
      // What Debian has in one, Ubuntu has in two.
      ...(/^ID=ubuntu$/m.test(release) ? ['--components=main,universe'] : []),
      ...[suite, tar],
    ];
    await execute('mmdebstrap', args, { maxBuffer: MAX_OUTPUT_BYTES });
    await docker.cli(['import', '--change', `LABEL test-base=${key}`, tar, name]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Builds a Dockerfile of this repository as its own comments say. What has not changed comes from the data root's cache. */
export async function buildImage(docker: Dockerd, dockerfile: string, tag: string): Promise<void> {
  await docker.cli(['build', '--network=host', '-f', dockerfile, '-t', tag, '.'], { cwd: ROOT });
}

/** This machine's Python under the name that the Dockerfiles build on: it says 3.12, whichever that is. */
const providePython = (docker: Dockerd): Promise<void> =>
  provideBase(docker, 'python:3.12-slim', ['python3', 'python3-venv', 'python3-pip']);

/** The image that jobs run in, the real Dockerfile built on this machine's Python. */
export async function buildExecImage(docker: Dockerd): Promise<string> {
  await providePython(docker);
  await buildImage(docker, 'Dockerfile.exec', EXEC_IMAGE);
  return EXEC_IMAGE;
}

/** The name that Dockerfile gives to its image, in its first lines. */
export const SERVICE_IMAGE = 'job-runner:latest';

/** The Node that comes with the packages, and this machine's npm, under the name that Dockerfile builds on. */
async function provideNode(docker: Dockerd): Promise<void> {
  const name = 'node:24-slim';
  const home = await mkdtemp(join(tmpdir(), 'docker-node-'));
  try {
    const { stdout: modules } = await execute('npm', ['root', '--global']);
    const { stdout: version } = await execute('npm', ['--version'], { cwd: home });
    const { stdout: registry } = await execute('npm', ['config', 'get', 'registry'], { cwd: home });
    const key = keyOf([await keyFor(docker, 'python:3.12-slim'), process.version, version, registry]);
    if ((await keyFor(docker, name)) === key) return;

    for (const folder of ['bin', 'etc', 'lib/node_modules']) await mkdir(join(home, 'local', folder), { recursive: true });
    await cp(process.execPath, join(home, 'local/bin/node'));
    await cp(join(modules.trim(), 'npm'), join(home, 'local/lib/node_modules/npm'), { recursive: true, verbatimSymlinks: true });
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(home, 'local/bin/npm'));
    await writeFile(join(home, 'local/etc/npmrc'), `registry=${registry.trim()}\ncafile=${CERTIFICATES}\n`);
    await writeFile(join(home, 'Dockerfile'), `FROM python:3.12-slim\nCOPY local /usr/local\nLABEL test-base=${key}\n`);
    await docker.cli(['build', '-t', name, '.'], { cwd: home });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** The image of the service, the real Dockerfile built on the Node that comes with the packages and this machine's Python. */
export async function buildServiceImage(docker: Dockerd): Promise<string> {
  await providePython(docker);
  await provideNode(docker);
  await buildImage(docker, 'Dockerfile', SERVICE_IMAGE);
  return SERVICE_IMAGE;
}
