import { once } from 'node:events';
import { chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { formOf } from '../support/app.ts';
import { buildServiceImage } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../support/dockerd.ts';

/** Where nothing of the images is there yet, they are built first. */
const BUILD_MS = 20 * 60_000;

/** What bubblewrap needs a container to allow. */
const NAMESPACES = ['seccomp', 'apparmor', 'systempaths'].flatMap((what) => ['--security-opt', `${what}=unconfined`]);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Failure {
  code: number;
  stderr: string;
}

describe.skipIf(whyNoDockerd() !== undefined)('the image of the service', () => {
  let docker: Dockerd;
  let image: string;
  const containers: string[] = [];
  const homes: string[] = [];
  beforeAll(async () => {
    docker = await startDockerd();
    image = await buildServiceImage(docker);
  }, BUILD_MS);
  afterAll(async () => {
    if (containers.length > 0) await docker.cli(['rm', '-f', ...containers]);
    await docker?.close();
    await Promise.all(homes.map((home) => rm(home, { recursive: true })));
  });

  /** A folder for a service's data. */
  async function newHome(): Promise<string> {
    const home = await mkdtemp(join(tmpdir(), 'job-runner-image-'));
    homes.push(home);
    return home;
  }

  interface Service {
    url: string;
    id: string;
    exec(...command: string[]): Promise<string>;
  }

  /** Starts the service in a container, its data in `home`, and waits until it answers. */
  async function start(home: string, ...options: string[]): Promise<Service> {
    const port = await freePort();
    const variables = [`PORT=${port}`, 'HOST=127.0.0.1', 'RUNTIME_PACKAGES=off', 'LOG_LEVEL=warn'].flatMap((variable) => ['-e', variable]);
    const mount = ['-v', `${join(home, 'jobs')}:/data/jobs`];
    const id = (await docker.cli(['run', '-d', '--network=host', ...NAMESPACES, ...variables, ...mount, ...options, image])).trim();
    containers.push(id);
    const url = `http://127.0.0.1:${port}`;
    const answers = (): Promise<boolean> =>
      fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await vi.waitUntil(answers, { timeout: 60_000, interval: 200 });
    return { url, id, exec: (...command) => docker.cli(['exec', id, ...command]) };
  }

  async function run(url: string, program: string): Promise<string> {
    const response = await fetch(`${url}/jobs/sync`, { method: 'POST', body: formOf({ code: { 'main.py': program } }) });
    const { job, logs } = (await response.json()) as { job: { status: string }; logs: string };
    expect({ status: job.status, logs }).toMatchObject({ status: 'succeeded' });
    return logs;
  }

  describe('started', () => {
    let home: string;
    let service: Service;
    beforeAll(async () => {
      home = await newHome();
      service = await start(home, '--health-interval', '1s');
    });

    it('takes a new folder over, and does not stay root', async () => {
      const { uid, gid } = await stat(join(home, 'jobs'));
      expect([uid, gid]).toEqual([10_001, 10_001]);
      const status = await service.exec(
        'sh',
        '-c',
        'cat /proc/$(pgrep -f main.js 2>/dev/null || cat /proc/1/task/1/children | cut -d" " -f1)/status',
      );
      expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    });

    it('is healthy when it answers', async () => {
      await expect
        .poll(() => docker.cli(['inspect', '--format', '{{.State.Health.Status}}', service.id]), { timeout: 60_000, interval: 200 })
        .toBe('healthy\n');
    });

    it('has the pages with it', async () => {
      for (const path of [
        '/static/',
        '/static/README.md',
        '/static/docker-compose.yml',
        '/static/examples/client.html',
        '/static/examples/main.py',
        '/docs',
      ]) {
        expect([path, (await fetch(service.url + path)).status]).toEqual([path, 200]);
      }
    });

    it('is the whole service: isolates jobs inside of its container, and ends when it is told to', async () => {
      const { url, id } = service;
      expect(await run(url, 'import os; print("hello", os.getuid(), sorted(os.listdir("/")))')).toContain('hello');
      const ready = (await (await fetch(`${url}/readyz`)).json()) as { parts: { name: string; detail: string }[] };
      expect(ready.parts).toContainEqual(expect.objectContaining({ name: 'sandbox', detail: 'bubblewrap' }));
      await docker.cli(['stop', '--time', '30', id]);
      expect((await docker.cli(['inspect', '--format', '{{.State.ExitCode}}', id])).trim()).toBe('0');
    });
  });

  it('leaves a folder to the person that it belongs to, and works as they', async () => {
    const home = await newHome();
    await mkdir(join(home, 'jobs'));
    await chown(join(home, 'jobs'), 4321, 4322);
    const { url } = await start(home);
    await run(url, 'print(1)');
    const { uid, gid } = await stat(join(home, 'jobs/jobs.sqlite'));
    expect([uid, gid]).toEqual([4321, 4322]);
  });

  it('does not let everybody in without being told to', async () => {
    const refused = await docker.cli(['run', '--rm', '--network=none', image]).catch((error: unknown) => error as Failure);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/would let anybody who reaches this machine run code on it\.\n {2}→ /) as string,
    });
  });

  it('is the command line, too, and holds nothing that only building needs', async () => {
    expect(await docker.cli(['run', '--rm', '--network=none', image, '--version'])).toMatch(/^\d+\.\d+\.\d+\n$/);
    const there = await docker.cli(['run', '--rm', '--network=none', '--entrypoint', 'sh', image, '-c', 'cd /app; ls -A; ls node_modules']);
    for (const name of ['src', 'scripts', '.git', 'test', 'typescript', 'vitest']) expect(there.split('\n')).not.toContain(name);
  });
});
