import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXEC_IMAGE } from '../../../test/support/docker-image.ts';
import type { Dockerd } from '../../../test/support/dockerd.ts';
import type { ImageInterpreter } from '../../runtimes/runtime.ts';
import { createDocker, type DockerOptions, type DockerSandbox } from '../docker.ts';
import { sandboxContract } from '../sandbox.contract.ts';
import { SandboxLost, type Limits, type RunSpec } from '../sandbox.ts';
import { whyCold } from '../warm/eligible.ts';
import { openRuns, type Runs, type SandboxUnderTest } from './runs.contract.ts';

/** What the driver `docker` promises on every engine. */

const HOLDER = fileURLToPath(new URL('../../../test/support/container-holder.ts', import.meta.url));
const MIB = 1024 * 1024;

/** Podman's own would be more than root has where it may not raise any. */
const ULIMITS = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];

/** What most of the contract's programs are given. */
export const LIMITS: Limits = { timeoutMs: 20_000, cpus: 1, memoryBytes: 256 * MIB, pids: 64, diskBytes: 32 * MIB, outputBytes: MIB };

export type EngineUnderTest = Pick<Dockerd, 'host' | 'cli'>;

/** The driver, checked, with the image that jobs run in. */
export async function openOn(
  engine: EngineUnderTest,
  more: Partial<DockerOptions> = {},
): Promise<{ sandbox: DockerSandbox; interpreter: ImageInterpreter }> {
  const sandbox = createDocker({
    engine: { dockerHost: engine.host, certificates: undefined, runtimeDir: undefined },
    runtime: undefined,
    ...more,
  });
  await sandbox.check();
  const description = await sandbox.describe(EXEC_IMAGE);
  if (description === undefined) throw new Error('the image is not there');
  return { sandbox, interpreter: description.interpreter };
}

export interface EngineTraits extends Pick<SandboxUnderTest, 'fullOfFilesIsLost'> {
  /** Whether a container that was made for LIMITS can be had for a run that has others. */
  fits: (limits: Limits) => boolean;
}

export function engineContract(name: string, engine: () => EngineUnderTest, { fits, ...traits }: EngineTraits): void {
  sandboxContract(name, async () => ({ ...(await openOn(engine())), ...traits, close: async () => undefined }));

  sandboxContract(`${name}, warm`, async () => {
    const troubles: string[] = [];
    const events = { trouble: (what: string, error: unknown) => troubles.push(`${what}: ${String(error)}`) };
    const { sandbox, interpreter } = await openOn(engine(), { warm: { rules: { size: 2, waitMs: 30_000 }, limits: LIMITS, events } });
    sandbox.anticipate(interpreter);
    return {
      sandbox,
      interpreter,
      ...traits,
      pathOf: (run: RunSpec) => (run.interpreter === interpreter && whyCold(run) === undefined && fits(run.limits) ? 'warm' : 'cold'),
      close: async () => {
        if (troubles.length > 0) throw new Error(troubles.join('\n'));
      },
    };
  });

  describe(`containers that nobody wants any more: ${name}`, () => {
    let sandbox: DockerSandbox;
    let runs: Runs;
    const cli = async (...args: string[]): Promise<string> => (await engine().cli(args)).trim();
    beforeAll(async () => {
      const opened = await openOn(engine());
      sandbox = opened.sandbox;
      runs = await openRuns({ ...opened, close: async () => undefined });
    });
    afterAll(async () => {
      await sandbox?.close();
      await runs?.close();
    });

    it('ends the containers of a service that was killed, and the next one removes them', async () => {
      const holder = spawn(process.execPath, [HOLDER, engine().host, EXEC_IMAGE], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [said] = (await once(holder.stdout, 'data')) as [Buffer];
      expect(said.toString()).toContain('a job is running');
      const ended = cli('wait', await cli('ps', '--quiet'));
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      await ended;
      await sandbox.check();
      expect(await cli('ps', '--all', '--quiet')).toBe('');
    });

    it.each([
      ['was killed', ['kill']],
      ['is not there any more', ['rm', '--force']],
      ['was started anew', ['restart', '--time', '0']],
    ])('removes what a service has made and not started once the container that it was in %s', async (_, over) => {
      const home = await cli('run', '--detach', '--network', 'none', ...ULIMITS, '--entrypoint', 'sleep', EXEC_IMAGE, '600');
      const made = await cli('create', '--label', `job-runner.owner=another-boot/1/1/1/${home}`, EXEC_IMAGE);
      const known = (): Promise<string> => cli('ps', '--all', '--quiet', '--no-trunc', '--filter', 'label=job-runner.owner');
      try {
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
      } finally {
        await cli('rm', '--force', home, made).catch(String);
      }
    });

    it('starts a job again elsewhere when its container was taken away', async () => {
      const { running } = await runs.begin('print("up", flush=True); import time; time.sleep(60)');
      await running.output[Symbol.asyncIterator]().next();
      await cli('rm', '--force', await cli('ps', '--quiet'));
      await expect(running.ended).rejects.toBeInstanceOf(SandboxLost);
      await running.dispose();
    });

    it('are not left behind when the service ends', async () => {
      await sandbox.close();
      expect(await cli('ps', '--all', '--quiet')).toBe('');
    });
  });
}
