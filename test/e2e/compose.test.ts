import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBucket } from '../../src/artifacts/s3-bucket.ts';
import { formOf, jobOf, submit } from '../support/app.ts';
import { startComposeMachine, type ComposeMachine } from '../support/compose.ts';
import { EXEC_IMAGE, SERVICE_IMAGE } from '../support/docker-image.ts';
import { whyNoDockerd } from '../support/dockerd.ts';
import { forward } from '../support/forwarding.ts';
import { addS3User, hasS3Server, s3Server } from '../support/s3-server.ts';
import { readStream } from '../support/service.ts';
import { MINIO_FILES } from '../support/stand-ins.ts';

/** Where nothing of the images is there yet, they are built first, after other tests that have the daemon. */
const BUILD_MS = 20 * 60_000;
const TEST_MS = 180_000;
const ROOT = join(import.meta.dirname, '../..');
const PUBLISHED = 'ghcr.io/somebody/python-sandbox-executor';
const missing = whyNoDockerd('docker-compose');

describe.skipIf(missing !== undefined)(`on a machine with Docker and nothing else${missing === undefined ? '' : ` (${missing})`}`, () => {
  let machine: ComposeMachine;
  beforeAll(async () => {
    machine = await startComposeMachine();
    await machine.docker.cli(['tag', SERVICE_IMAGE, `${PUBLISHED}:latest`]);
    await machine.docker.cli(['tag', EXEC_IMAGE, `${PUBLISHED}-exec:py3.12`]);
  }, BUILD_MS);
  afterAll(() => machine?.close());

  async function ready(workers: number): Promise<void> {
    const answer = async (): Promise<string> => (await fetch(`${machine.url}/readyz`)).text();
    await expect
      .poll(() => answer().catch(String), { timeout: 60_000, interval: 200 })
      .toMatch(new RegExp(`"ready":true.*"${workers} alive`));
  }

  /** The example that the README begins with: pandas, a table and a plot. */
  async function runExample(): Promise<{ id: string; status: string; artifacts: string[] }> {
    const program = await readFile(join(ROOT, 'examples/main.py'), 'utf8');
    const response = await fetch(`${machine.url}/jobs/sync`, { method: 'POST', body: formOf({ code: { 'main.py': program } }) });
    const { job, logs } = (await response.json()) as { job: { id: string; status: string; artifacts: string[] }; logs: string };
    expect({ logs, ...job }).toMatchObject({ status: 'succeeded', artifacts: ['plot.png', 'result.csv'] });
    return job;
  }

  const artifact = async (id: string, name: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(`${machine.url}/jobs/${id}/artifacts/${name}`)).arrayBuffer());

  async function expectNothingLeft(): Promise<void> {
    expect(await machine.docker.cli(['ps', '--all', '--format', '{{.Names}} {{.Status}}'])).toBe('');
    expect(await machine.docker.cli(['network', 'ls', '--filter', 'type=custom', '--quiet'])).toBe('');
    expect(await machine.docker.cli(['volume', 'ls', '--quiet'])).toBe('');
  }

  describe('docker-compose.yml', () => {
    let first: string;

    it('comes up with one command; a job with pandas goes through it, and its files come back', { timeout: TEST_MS }, async () => {
      await machine.compose(['up', '--build', '--detach']);
      await ready(1);
      const ports = (await machine.docker.cli(['ps', '--format', '{{.Ports}}'])).split(/[\n,]/).filter((port) => port.includes('->'));
      expect(ports.map((port) => port.trim()).sort()).toEqual(['127.0.0.1:6379->6379/tcp', '127.0.0.1:8000->8000/tcp']);
      ({ id: first } = await runExample());
      expect((await artifact(first, 'result.csv')).toString()).toMatch(/^city,January,July,difference\nLisbon,11.6,23.5,11.9\n/);
      expect((await artifact(first, 'plot.png')).subarray(1, 4).toString()).toBe('PNG');
      expect(await readdir(join(machine.clone, 'data/redis'))).toContain('appendonlydir');
      expect((await stat(join(machine.clone, 'data/jobs'))).uid).toBe(10_001);
    });

    it('ends a job well on another of three workers when its own is killed in the middle of it', { timeout: TEST_MS }, async () => {
      await machine.compose(['up', '--detach', '--scale', 'worker=3']);
      await ready(3);
      // The first attempt is still at it when its worker is gone; the second is over soon.
      const until = Date.now() / 1000 + 15;
      const id = await submit(machine.url, {
        spec: { args: [String(until)] },
        code: {
          'main.py': 'import sys, time\nprint("up", flush=True)\ntime.sleep(max(0, float(sys.argv[1]) - time.time()))\nprint("over")',
        },
      });
      const log: string[] = [];
      let killed: Promise<void> | undefined;
      await readStream(`${machine.url}/jobs/${id}/logs/stream`, ({ data }) => {
        log.push(data);
        if (data === 'up') killed ??= killWorkerOf(id);
      });
      await killed;
      expect((await jobOf(machine.url, id)).job).toMatchObject({ status: 'succeeded', attempt: 2, exit_code: 0 });
      expect(log.filter((line) => line === 'up')).toHaveLength(2);
      expect(log).toContain('over');
    });

    /** The record in Redis has the worker's name, which begins with its container's. It dies as it makes a container for another job. */
    async function killWorkerOf(id: string): Promise<void> {
      const worker = await machine.compose(['exec', '-T', 'redis', 'redis-cli', 'HGET', `job-runner:job:${id}`, 'worker']);
      const [container = ''] = worker.split('/');
      const labels = await machine.docker.cli(['ps', '--all', '--format', '{{.Label "job-runner.owner"}}']);
      const owner = labels.split('\n').find((label) => label.includes(`/${container}`)) ?? 'nobody';
      await machine.docker.cli(['kill', container]);
      await machine.docker.cli(['create', '--label', `job-runner.owner=${owner}`, EXEC_IMAGE]);
    }

    it('leaves nothing but its data when it is taken down, whoever was killed before', async () => {
      await machine.compose(['down']);
      await expectNothingLeft();
      expect(await readdir(join(machine.clone, 'data'))).toEqual(['jobs', 'redis']);
    });

    it.skipIf(!hasS3Server)(
      'takes published images, and files in a bucket; the jobs of before are still there',
      { timeout: TEST_MS },
      async () => {
        const server = await s3Server();
        const credentials = { accessKeyId: 'job-runner', secretAccessKey: 'job-runner-secret' };
        await addS3User('compose', credentials);
        const data = join(machine.clone, 'data/minio');
        await mkdir(data);
        const behind = await forward(join(data, MINIO_FILES.socket), new URL(server.endpoint).host);
        const { endpoint } = server;
        const bucket = openBucket({
          bucket: 'job-runner',
          region: 'us-east-1',
          endpoint,
          publicEndpoint: undefined,
          pathStyle: true,
          credentials,
        });
        try {
          const settings = [
            'COMPOSE_PROFILES=s3',
            'S3_ENDPOINT=http://minio:9000',
            `API_IMAGE=${PUBLISHED}:latest`,
            `EXEC_IMAGE=${PUBLISHED}-exec:py3.12`,
          ];
          await writeFile(join(machine.clone, '.env'), settings.join('\n'));
          await machine.compose(['up', '--no-build', '--detach']);
          await ready(1);
          const { id } = await runExample();
          expect((await artifact(id, 'plot.png')).subarray(1, 4).toString()).toBe('PNG');
          expect(await jobOf(machine.url, first)).toMatchObject({ job: { status: 'succeeded' } });

          const keys: string[] = [];
          for await (const { key } of bucket.list('')) keys.push(key);
          expect(keys.filter((key) => key.includes(id)).join(' ')).toContain('plot.png');
          expect(JSON.parse(await readFile(join(data, MINIO_FILES.keys), 'utf8'))).toEqual(['job-runner', 'job-runner-secret']);
          const images = await machine.docker.cli(['ps', '--format', '{{.Image}}']);
          expect(images).toContain(`${PUBLISHED}:latest`);
          expect(images).not.toContain(SERVICE_IMAGE);

          await machine.compose(['down']);
          await expectNothingLeft();
        } finally {
          bucket.close();
          await behind.close();
        }
      },
    );
  });

  describe('the README’s lines for published images', () => {
    it('make Redis, a worker and an API, and a job goes through them', { timeout: TEST_MS }, async () => {
      const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
      const block = /^Published ones[^\n]*\n\n```bash\n(.*?)```/ms.exec(readme)?.[1]?.replaceAll('OWNER', 'somebody') ?? '';
      // Nothing can be pulled here; what would have been is there.
      const pulled = [...block.matchAll(/^docker pull (\S+)$/gm)].map(([, image = '']) => image);
      await machine.docker.cli(['image', 'inspect', ...pulled]);
      expect(pulled).toHaveLength(2);

      const folder = await mkdtemp(join(tmpdir(), 'job-runner-published-'));
      try {
        await machine.shell(block.replaceAll(/^docker pull .*$/gm, ''), folder);
        await ready(1);
        const { id } = await runExample();
        expect((await artifact(id, 'result.csv')).toString()).toContain('Lisbon');
        expect(await (await fetch(`${machine.url}/static/examples/client.html`)).text()).toContain('<html');
        expect(await readdir(join(folder, 'data'))).toEqual(['jobs']);
        await machine.docker.cli(['stop', '--time', '30', 'jr-worker', 'jr-api', 'jr-redis']);
        await machine.docker.cli(['rm', '--volumes', 'jr-worker', 'jr-api', 'jr-redis']);
        await expectNothingLeft();
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
});
