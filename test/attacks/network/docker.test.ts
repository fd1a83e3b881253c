import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocker, type DockerOptions, type DockerSandbox } from '../../../src/sandbox/docker.ts';
import { openRuns, type Runs } from '../../../src/sandbox/contract/runs.contract.ts';
import { SandboxLost } from '../../../src/sandbox/sandbox.ts';
import { EXEC_IMAGE } from '../../support/docker-image.ts';
import { whyNoDockerd } from '../../support/dockerd.ts';
import { MACHINE, OTHER_PORT, PORT, PUBLIC } from '../../support/network-lab/addresses.ts';
import { openDockerLab } from '../../support/network-lab/docker-lab.ts';
import { EGRESS, type Lab } from '../../support/network-lab/lab.ts';
import { networkContract, VISIT } from './network.contract.ts';

/** The same, in containers of an engine that is the machine of the lab. */

const HOLDER = fileURLToPath(new URL('../../support/container-holder.ts', import.meta.url));
const BUILD_MS = 10 * 60_000;
const missing = ['nft', 'ip', 'unshare', 'nsenter'].filter(
  (program) => spawnSync('/bin/sh', ['-c', `command -v ${program}`], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }).status !== 0,
);
const why = whyNoDockerd() ?? (missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined);
if (why !== undefined && process.env['CI']) throw new Error(why);

describe.skipIf(why !== undefined)(`a container’s network${why === undefined ? '' : ` (${why})`}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openDockerLab();
  }, BUILD_MS);
  afterAll(() => lab?.close());

  const cli = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('docker', args, { env: { ...process.env, DOCKER_HOST: lab.dockerHost } });
    return stdout;
  };

  networkContract(() => lab);

  it('leaves nothing of a job behind', async () => {
    await lab.run('print(1)', 'outbound');
    expect(await cli('ps', '--all', '--quiet')).toBe('');
  });

  describe('of a service on another machine than the engine’s, over its own network', () => {
    const settings = (more: Partial<DockerOptions> = {}): DockerOptions => ({
      engine: { dockerHost: lab.dockerHost, certificates: undefined, runtimeDir: undefined },
      runtime: undefined,
      // Nothing is asked where this process is.
      egress: { ...EGRESS, nameServers: ['127.0.0.1:1'] },
      ...more,
    });
    let sandbox: DockerSandbox;
    let runs: Runs;
    beforeAll(async () => {
      sandbox = createDocker(settings());
      await sandbox.check();
      const description = await sandbox.describe(EXEC_IMAGE);
      if (description === undefined) throw new Error('the image is not there');
      runs = await openRuns({ sandbox, interpreter: description.interpreter, close: async () => undefined });
    });
    afterAll(async () => {
      await sandbox?.close();
      await runs?.close();
    });

    it('leads out, but not to the engine’s machine', async () => {
      const hosts = [PUBLIC.web, PUBLIC.web6, MACHINE.public, MACHINE.link, `172.17.0.1`, `127.0.0.1,${OTHER_PORT}`];
      const { output } = await runs.run(VISIT, { network: 'outbound', env: { HOSTS: hosts.join(' ') } });
      const refused = 'ConnectionRefusedError\n';
      expect(output).toBe(`${PUBLIC.web} ${PORT}\n${PUBLIC.web6} ${PORT}\n${refused.repeat(4)}`);
    });

    it('lets nobody in, and has no right that is not needed', async () => {
      const program = `import socket
listener = socket.create_server(("", ${PORT}))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    probe.connect(("${PUBLIC.web}", ${PORT}))
    print(probe.getsockname()[0], flush=True)
listener.accept(); print("somebody came in", flush=True)`;
      const { running } = await runs.begin(program, { network: 'outbound' });
      const [address = ''] = await firstLine(running.output);
      expect(address).toMatch(/^172\.17\./);
      expect(await lab.reach(address)).toBe('timeout');
      const containers = JSON.parse(await cli('inspect', ...(await cli('ps', '--quiet')).trim().split('\n')));
      await running.dispose();
      const rights = (containers as { HostConfig: Record<'NetworkMode' | 'CapAdd' | 'CapDrop' | 'Privileged', unknown> }[]).map(
        ({ HostConfig: { NetworkMode, CapAdd, CapDrop, Privileged } }) =>
          `${String(NetworkMode).split(':')[0]} -${String(CapDrop)} +${String(CapAdd).replaceAll('CAP_', '')} ${String(Privileged)}`,
      );
      expect(rights.toSorted()).toEqual([
        'container -ALL +KILL,SETGID,SETPCAP,SETUID false',
        'default -ALL +NET_ADMIN,NET_BIND_SERVICE false',
      ]);
    });

    it('ends the job when its gateway is lost', async () => {
      const { running } = await runs.begin('print("up", flush=True); import time; time.sleep(60)', { network: 'outbound' });
      await firstLine(running.output);
      const gateway = await cli('ps', '--quiet', '--filter', 'network=bridge');
      await cli('rm', '--force', gateway.trim());
      await expect(running.ended).rejects.toMatchObject({
        constructor: SandboxLost,
        cause: { message: 'the gateway of its network was lost' },
      });
      await running.dispose();
      expect(await cli('ps', '--all', '--quiet')).toBe('');
    });

    it('ends with a service that is killed; the next one removes what is left', async () => {
      const holder = spawn(process.execPath, [HOLDER, lab.dockerHost, EXEC_IMAGE, 'outbound'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [said] = (await once(holder.stdout, 'data')) as [Buffer];
      expect(said.toString()).toContain('a job is running');
      const ids = (await cli('ps', '--quiet')).trim().split('\n');
      expect(ids).toHaveLength(2);
      const ended = cli('wait', ...ids);
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      await ended;
      await sandbox.check();
      expect(await cli('ps', '--all', '--quiet')).toBe('');
    });

    it('is refused where the runtime has a network stack of its own, by its name and by its looks', async () => {
      const named = createDocker(settings({ runtime: 'runsc' }));
      expect((await named.check()).outbound).toMatchObject({
        possible: false,
        reason: expect.stringContaining('runsc has a network stack'),
      });
      await named.close();
      const unnamed = createDocker(settings({ runtime: 'stack-of-its-own' }));
      expect((await unnamed.check()).outbound).toEqual({ possible: true });
      expect((await unnamed.describe(EXEC_IMAGE))?.noNetwork?.reason).toContain('the container’s network is not its gateway’s');
      await unnamed.close();
    });

    it('is refused where the image has no nft, or the engine no such network, with the line that mends it', async () => {
      const build = spawn('docker', ['build', '--tag', 'no-nft', '-'], {
        env: { ...process.env, DOCKER_HOST: lab.dockerHost },
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      build.stdin.end(`FROM ${EXEC_IMAGE}\nUSER root\nRUN rm /usr/sbin/nft\nUSER job\n`);
      expect(await once(build, 'exit')).toEqual([0, null]);
      expect((await sandbox.describe('no-nft'))?.noNetwork).toEqual({
        reason: 'the image no-nft has no nft',
        remedy: 'docker build -f Dockerfile.exec -t no-nft .',
      });
      await cli('rmi', 'no-nft');
      const elsewhere = createDocker(settings({ network: 'absent' }));
      expect((await elsewhere.check()).outbound).toMatchObject({ possible: false, remedy: 'docker network create absent' });
      await elsewhere.close();
    });
  });
});

/** The words of the first line that a job prints. */
async function firstLine(output: AsyncIterable<{ bytes: Buffer }>): Promise<string[]> {
  let text = '';
  const iterator = output[Symbol.asyncIterator]();
  while (!text.includes('\n')) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    text += value.bytes.toString();
  }
  return text.split('\n')[0]?.split(' ') ?? [];
}
