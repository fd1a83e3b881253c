import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExecImage } from '../../test/support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../../test/support/dockerd.ts';
import { engineContract, LIMITS, openOn } from './contract/engine.contract.ts';
import { openRuns, type Runs } from './contract/runs.contract.ts';
import { createDocker, type DockerOptions, type DockerSandbox } from './docker.ts';
import { DEFAULT_EGRESS } from './egress/serve.ts';
import { NetworkUnavailable } from './sandbox.ts';

const MIB = 1024 * 1024;
const BUILD_MS = 10 * 60_000;
const missing = whyNoDockerd();

describe.skipIf(missing !== undefined)(`docker${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd;
  beforeAll(async () => {
    docker = await startDockerd();
    await buildExecImage(docker);
  }, BUILD_MS);
  afterAll(() => docker?.close());

  const engine = (): DockerOptions['engine'] => ({ dockerHost: docker.host, certificates: undefined, runtimeDir: undefined });

  engineContract('docker', () => docker, { fits: ({ diskBytes }) => diskBytes === LIMITS.diskBytes });

  describe('on this engine', () => {
    let sandbox: DockerSandbox;
    let runs: Runs;
    beforeAll(async () => {
      const opened = await openOn(docker);
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
      const id = (await docker.cli(['ps', '--quiet', '--no-trunc'])).trim();
      const said = await docker.cli(['inspect', id]);
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
  });
});
