import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobOf, submit as submitTo } from '../support/app.ts';
import { breakableProxy } from '../support/breakable-proxy.ts';
import { buildExecImage } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../support/dockerd.ts';
import { followAll, serviceHome, type ServiceHome } from '../support/service.ts';

const formOf = (spec: object): FormData => {
  const form = new FormData();
  form.append('spec', JSON.stringify(spec));
  form.append('code_files', new Blob(['print(1)']), 'main.py');
  return form;
};

const BUILD_MS = 10 * 60_000;
const missing = whyNoDockerd();

describe.skipIf(missing !== undefined)(`the image that jobs run in${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd | undefined;
  let image: string;
  beforeAll(async () => {
    docker = await startDockerd();
    image = await buildExecImage(docker);
  }, BUILD_MS);
  afterAll(() => docker?.close());

  const python = (program: string): Promise<string> | undefined =>
    docker?.cli(['run', '--rm', '--network=none', image, 'python3', '-W', 'error', '-c', program]);

  it('has the packages of the requirements, as a user without rights', async () => {
    const said = await python('import os, numpy, pandas, matplotlib; print(os.getuid(), pandas.DataFrame({"a": [1, 2]}).a.sum())');
    expect(said).toBe('54321 3\n');
  });

  it('draws text of any script without a warning, and does not search for fonts first', async () => {
    const said = await python(`import matplotlib.font_manager as fonts
fonts.findSystemFonts = None
import matplotlib.pyplot as plot
plot.title("Größe Ωμέγα Жук 統計 통계 グラフ")
plot.savefig("/tmp/plot.png")
print("drawn")`);
    expect(said).toBe('drawn\n');
  });

  describe('the service with it', () => {
    let home: ServiceHome;
    beforeAll(async () => {
      home = await serviceHome();
    });
    afterAll(() => home?.close());

    const submit = async (url: string, program: string, spec: object = {}): Promise<{ job: Record<string, unknown>; logs: string }> => {
      const form = new FormData();
      form.append('spec', JSON.stringify(spec));
      form.append('code_files', new Blob([program]), 'main.py');
      return (await (await fetch(`${url}/jobs/sync`, { method: 'POST', body: form })).json()) as never;
    };

    it('runs jobs in containers from end to end, and drops them when it stops', async () => {
      const service = await home.start({ USE_DOCKER: '1', DOCKER_HOST: docker?.host ?? '', CONCURRENCY: '2', WARM_POOL: '1' });
      const runtimes = (await (await fetch(`${service.url}/runtimes`)).json()) as { runtimes: object[] };
      expect(runtimes.runtimes).toMatchObject([{ state: 'ready', packages: { pandas: expect.any(String) } }]);
      const { job, logs } = await submit(
        service.url,
        'import pandas, matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint(pandas.DataFrame({"a": [1, 2]}).a.sum())',
        { timeout_sec: 60 },
      );
      expect(logs).toMatch(/^\[runner\] starting job .*\n3\n\[runner\] finished with code 0\n$/);
      expect(job).toMatchObject({ status: 'succeeded', artifacts: ['figure-1.png'] });
      const ready = (await (await fetch(`${service.url}/readyz`)).json()) as { parts: object[] };
      expect(ready.parts).toContainEqual(expect.objectContaining({ name: 'sandbox', detail: 'docker' }));
      const refused = await fetch(`${service.url}/jobs`, { method: 'POST', body: formOf({ net_policy: 'outbound' }) });
      expect(refused.status).toBe(422);
      expect(await service.kill('SIGTERM')).toBe(0);
      expect(await docker?.cli(['ps', '--all', '--quiet'])).toBe('');
    });

    it('loses no job while the engine is away: what waits goes on waiting, what ran is run again, and it counts as an attempt', async () => {
      const proxy = await breakableProxy({ path: docker?.socketPath ?? '' });
      const variables = {
        USE_DOCKER: '1',
        DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}`,
        CONCURRENCY: '1',
        WARM_STARTS: '0',
        LEASE_MS: '3000',
      };
      const service = await home.start(variables);
      const run = (program: string): Promise<string> => submitTo(service.url, { code: { 'main.py': program } });
      try {
        const running = await run('import os, time\nprint("up", flush=True)\ntime.sleep(2)\nprint("done")');
        await expect.poll(async () => (await fetch(`${service.url}/jobs/${running}/logs`)).text()).toContain('up\n');
        const waiting = await Promise.all(['1', '2', '3'].map((text) => run(`print(${text})`)));
        await proxy.cut();
        await expect
          .poll(async () => (await fetch(`${service.url}/jobs/${running}/logs`)).text())
          .toContain('[runner] the worker was lost in attempt 1 of 2; the job goes back to the queue\n');
        for (const id of waiting) expect((await jobOf(service.url, id)).job).toMatchObject({ status: 'queued' });
        await proxy.mend();
        expect((await followAll(() => service.url, running)).slice(-3)).toEqual(['up', 'done', '[runner] finished with code 0']);
        expect((await jobOf(service.url, running)).job).toMatchObject({ status: 'succeeded', attempt: 2 });
        for (const id of waiting) {
          await followAll(() => service.url, id);
          expect((await jobOf(service.url, id)).job).toMatchObject({ status: 'succeeded', attempt: 1 });
        }
      } finally {
        await service.kill('SIGTERM');
        await proxy.cut();
      }
    });

    it('is not ready without its image, says how to build that, and is ready when somebody has', async () => {
      const service = await home.start({
        USE_DOCKER: '1',
        DOCKER_HOST: docker?.host ?? '',
        JOB_RUN_IMAGE: 'later:py3.12',
        WARM_STARTS: '0',
      });
      const first = await fetch(`${service.url}/readyz`);
      expect(first.status).toBe(503);
      expect(await first.text()).toContain('docker build -f Dockerfile.exec -t later:py3.12 .');
      await docker?.cli(['tag', image, 'later:py3.12']);
      try {
        await expect.poll(async () => (await fetch(`${service.url}/readyz`)).status, { timeout: 60_000, interval: 500 }).toBe(200);
      } finally {
        await docker?.cli(['rmi', 'later:py3.12']);
      }
      await service.kill('SIGTERM');
    });
  });
});
