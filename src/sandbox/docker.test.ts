import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExecImage } from '../../test/support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../../test/support/dockerd.ts';
import type { ImageInterpreter } from '../runtimes/runtime.ts';
import { openRuns, type Runs } from './contract/runs.contract.ts';
import { createDocker, type DockerOptions, type DockerSandbox } from './docker.ts';
import { DEFAULT_EGRESS } from './egress/serve.ts';
import { sandboxContract } from './sandbox.contract.ts';
import { NetworkUnavailable, SandboxLost, type Limits } from './sandbox.ts';
import { whyCold } from './warm/eligible.ts';

const HOLDER = fileURLToPath(new URL('../../test/support/container-holder.ts', import.meta.url));
const MIB = 1024 * 1024;
const BUILD_MS = 10 * 60_000;
const missing = whyNoDockerd();

/** What most of the contract's programs are given. */
const LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };

describe.skipIf(missing !== undefined)(`docker${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd | undefined;
  let image: string;
  beforeAll(async () => {
    docker = await startDockerd();
    image = await buildExecImage(docker);
  }, BUILD_MS);
  afterAll(() => docker?.close());

  const engine = (): DockerOptions['engine'] => ({ dockerHost: docker?.host, certificates: undefined, runtimeDir: undefined });

  async function open(more: Partial<DockerOptions> = {}): Promise<{ sandbox: DockerSandbox; interpreter: ImageInterpreter }> {
    const sandbox = createDocker({ engine: engine(), runtime: undefined, ...more });
    await sandbox.check();
    const description = await sandbox.describe(image);
    if (description === undefined) throw new Error('the image is not there');
    return { sandbox, interpreter: description.interpreter };
  }

  sandboxContract('docker', async () => ({ ...(await open()), close: async () => undefined }));

  sandboxContract('docker, warm', async () => {
    const troubles: string[] = [];
    const events = { trouble: (what: string, error: unknown) => troubles.push(`${what}: ${String(error)}`) };
    const { sandbox, interpreter } = await open({ warm: { rules: { size: 2, waitMs: 30_000 }, limits: LIMITS, events } });
    sandbox.anticipate(interpreter);
    return {
      sandbox,
      interpreter,
      pathOf: (run) =>
        run.interpreter === interpreter && whyCold(run) === undefined && run.limits.diskBytes === LIMITS.diskBytes ? 'warm' : 'cold',
      close: async () => {
        if (troubles.length > 0) throw new Error(troubles.join('\n'));
      },
    };
  });

  describe('on this engine', () => {
    let sandbox: DockerSandbox;
    let runs: Runs;
    beforeAll(async () => {
      const opened = await open();
      sandbox = opened.sandbox;
      runs = await openRuns({ ...opened, close: async () => undefined });
    });
    afterAll(async () => {
      await sandbox?.close();
      await runs?.close();
    });

    it('makes containers with no right, network, swap or log, and with none of the job’s words', async () => {
      const { running } = await runs.begin('print("up", flush=True); import time; time.sleep(60)', {
        args: ['word-of-the-job'],
        env: { WORD: 'word-of-the-job', DOCKER_HOST: 'tcp://127.0.0.1:1' },
        stdin: 'word-of-the-job',
      });
      await running.output[Symbol.asyncIterator]().next();
      const id = (await docker?.cli(['ps', '--quiet', '--no-trunc']))?.trim() ?? '';
      const said = (await docker?.cli(['inspect', id])) ?? '';
      await running.dispose();
      expect(said).not.toContain('word-of-the-job');
      const [{ HostConfig: made, Mounts: mounts }] = JSON.parse(said);
      expect(made).toMatchObject({
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        Privileged: false,
        CapDrop: ['ALL'],
        LogConfig: { Type: 'none' },
        PidsLimit: LIMITS.pids + 1,
      });
      expect(made.MemorySwap).toBe(made.Memory);
      expect(made.Binds).toBeNull();
      expect(mounts).toEqual([]);
    });

    it('gives files that are larger than the job’s memory and its disk limit', async () => {
      const size = 48 * MIB;
      const result = await runs.run(
        'import os; print(os.path.getsize("/workspace/input/large")); open("/workspace/output/f", "wb").write(b"x" * 1048576)',
        { inputs: { large: 'x'.repeat(size) }, limits: { memoryBytes: 40 * MIB, diskBytes: MIB } },
      );
      expect(result).toMatchObject({ output: `${size}\n`, exit: { kind: 'exited', code: 0 } });
      expect(result.files['f']).toHaveLength(MIB);
    });

    it('refuses a run with a network where the engine has none for containers, and says what mends it', async () => {
      const other = createDocker({ engine: engine(), runtime: undefined, egress: DEFAULT_EGRESS });
      const { outbound, notes } = await other.check();
      expect(outbound).toEqual({
        possible: false,
        reason: 'the engine has no network for containers (--bridge=none)',
        remedy: 'make one and name it: docker network create jobs; DOCKER_NETWORK=jobs',
      });
      expect(notes.join()).toContain('net_policy can only be none here');
      const { running, run } = await runs.begin('print(1)');
      await running.dispose();
      await expect(other.start({ ...run, network: 'outbound' }, new AbortController().signal)).rejects.toThrow(NetworkUnavailable);
      await other.close();
    });

    it('knows an image that is not there, and one that is not made for jobs; neither is pulled', async () => {
      expect(await sandbox.describe('job-runner-exec:absent')).toBeUndefined();
      await expect(sandbox.describe('python:3.12-slim')).rejects.toMatchObject({
        remedy: expect.stringContaining('docker build -f Dockerfile.exec'),
      });
    });

    it('says which runtimes the engine has when it lacks the one that is asked for', async () => {
      const other = createDocker({ engine: engine(), runtime: 'absent' });
      await expect(other.check()).rejects.toThrow(/DOCKER_RUNTIME=absent is not known to the engine/);
    });

    it('says that no engine answers, and where it was looked for', async () => {
      const other = createDocker({ engine: { ...engine(), dockerHost: 'unix:///nonexistent/docker.sock' }, runtime: undefined });
      await expect(other.check()).rejects.toThrow(/No Docker engine answers \(unix:\/\/\/nonexistent\/docker.sock/);
    });

    it('ends the containers of a service that was killed, and the next one removes them', async () => {
      const holder = spawn(process.execPath, [HOLDER, docker?.host ?? '', image], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [said] = (await once(holder.stdout, 'data')) as [Buffer];
      expect(said.toString()).toContain('a job is running');
      const id = (await docker?.cli(['ps', '--quiet']))?.trim() ?? '';
      const ended = docker?.cli(['wait', id]);
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      await ended;
      await sandbox.check();
      expect(await docker?.cli(['ps', '--all', '--quiet'])).toBe('');
    });

    it.each([
      ['was killed', ['kill']],
      ['is not there any more', ['rm', '--force']],
      ['was started anew', ['restart', '--time', '0']],
    ])('removes what a service has made and not started once the container that it was in %s', async (_, over) => {
      const cli = async (...args: string[]): Promise<string> => ((await docker?.cli(args)) ?? '').trim();
      const home = await cli('run', '--detach', '--network', 'none', '--entrypoint', 'sleep', image, '600');
      const made = await cli('create', '--label', `job-runner.owner=another-boot/1/1/1/${home}`, image);
      const known = (): Promise<string> => cli('ps', '--all', '--quiet', '--no-trunc', '--filter', 'label=job-runner.owner');
      await sandbox.check();
      expect(await known()).toBe(made);
      await expect
        .poll(async () => {
          // What is made and started anew within a second can't be told apart.
          await cli(...over, home).catch(String);
          await sandbox.check();
          return known();
        })
        .toBe('');
      await cli('rm', '--force', home).catch(String);
    });

    it('starts a job again elsewhere when its container was taken away', async () => {
      const { running } = await runs.begin('print("up", flush=True); import time; time.sleep(60)');
      await running.output[Symbol.asyncIterator]().next();
      await docker?.cli(['rm', '--force', (await docker.cli(['ps', '--quiet'])).trim()]);
      await expect(running.ended).rejects.toBeInstanceOf(SandboxLost);
      await running.dispose();
    });
  });

  it('leaves no container behind when it is closed', async () => {
    expect(await docker?.cli(['ps', '--all', '--quiet'])).toBe('');
  });
});
