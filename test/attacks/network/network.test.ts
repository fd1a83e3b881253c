import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRange, type Range } from '../../../src/sandbox/egress/ranges.ts';
import type { Network } from '../../../src/sandbox/sandbox.ts';
import { MACHINE, PORT, PUBLIC, SPECIAL_HOSTS } from '../../support/network-lab/addresses.ts';
import { EGRESS, openLab, type Lab } from '../../support/network-lab/lab.ts';
import { allow } from './attacks.ts';
import { networkContract, VISIT } from './network.contract.ts';

/** Programs that look for a way to where they must not get, on a machine and an internet of network namespaces of ours. */

const missing = ['slirp4netns', 'nft', 'ip', 'unshare', 'nsenter'].filter(
  (program) => spawnSync('/bin/sh', ['-c', `command -v ${program}`], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }).status !== 0,
);
const why =
  process.getuid?.() !== 0 ? 'only root can make the networks' : missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined;
if (why !== undefined && process.env['CI']) throw new Error(why);

const ranges = (...texts: string[]): Range[] => texts.map((text) => parseRange(text)).filter((range) => range !== undefined);

for (const user of ['root', 'nobody'] as const) {
  describe.skipIf(why !== undefined)(`a job’s network on a service of ${user}${why === undefined ? '' : ` (${why})`}`, () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await openLab(user);
    });
    afterAll(() => lab?.close());

    networkContract(() => lab);

    it('goes with its job, with all that kept it', async () => {
      const during = lab.run(`${VISIT}\nimport time; time.sleep(2)`, 'outbound', { env: { HOSTS: PUBLIC.web } });
      await expect.poll(async () => (await lab.processes()).names).toContain('slirp4netns');
      expect((await lab.processes()).networks).toBe(1);
      await during;
      expect(await lab.processes()).toMatchObject({ names: [], networks: 0 });
    });
  });
}

describe.skipIf(why !== undefined)('what an operator decides', () => {
  const inner = SPECIAL_HOSTS['private 10/8'];
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab('root', {
      ...EGRESS,
      denied: ranges(`${PUBLIC.other}/32`, '10.99.7.0/24', `${PUBLIC.other6}`),
      allowedPrivate: ranges('10.0.0.0/8', '198.19.0.0/16', MACHINE.public, 'fd00::/8'),
    });
  });
  afterAll(() => lab?.close());
  const visit = async (network: Network, ...hosts: string[]): Promise<string[]> =>
    (await lab.run(VISIT, network, { env: { HOSTS: hosts.join(' ') } })).output.trim().split('\n');

  it('opens private ranges and closes public ones', async () => {
    const hosts = [
      SPECIAL_HOSTS['metadata of AWS over IPv6'],
      inner,
      'inner.example',
      SPECIAL_HOSTS['unique local'],
      PUBLIC.other,
      PUBLIC.other6,
      'other.example',
      SPECIAL_HOSTS['private 192.168/16'],
    ];
    const refused = 'ConnectionRefusedError';
    expect(await visit('outbound', ...hosts)).toEqual([
      refused,
      `${inner} ${PORT}`,
      `${inner} ${PORT}`,
      `${SPECIAL_HOSTS['unique local']} ${PORT}`,
      refused,
      refused,
      'gaierror',
      refused,
    ]);
  });

  it('opens the machine itself only under an address that is named alone', async () => {
    expect(await visit('outbound', MACHINE.link, '198.19.255.2', MACHINE.public)).toEqual([
      'ConnectionRefusedError',
      'ConnectionRefusedError',
      'the machine itself',
    ]);
  });

  it('bounds what an allow-list can open', async () => {
    expect(
      await visit(allow(inner, PUBLIC.other, 'other.example', 'inner.example'), inner, PUBLIC.other, 'other.example', PUBLIC.web),
    ).toEqual([`${inner} ${PORT}`, 'ConnectionRefusedError', 'gaierror', 'ConnectionRefusedError']);
  });
});

describe.skipIf(why !== undefined).each(['root', 'nobody'] as const)('a service of %s that is killed', (user) => {
  it('leaves no process of a job’s network behind', async () => {
    const lab = await openLab(user);
    const job = lab.run('import time; time.sleep(60)', 'outbound').catch(() => undefined);
    await expect.poll(async () => (await lab.processes()).names).toContain('slirp4netns');
    expect(await lab.kill()).toEqual([]);
    void job;
    await lab.close();
  });
});

describe.skipIf(why !== undefined)('a machine that lacks what networks are made of', () => {
  it('says so, with the line that mends it, and runs no job that asks for one', async () => {
    const lab = await openLab('root', EGRESS, { hidden: ['/usr/bin/slirp4netns', '/usr/sbin/nft'] });
    const remedy = 'apt-get install -y --no-install-recommends slirp4netns nftables';
    expect(lab.health.outbound).toEqual({ possible: false, reason: 'slirp4netns and nftables not installed', remedy });
    expect(lab.health.notes.join()).toContain(remedy);
    await expect(lab.run('print(1)', 'outbound')).rejects.toThrow('not installed');
    expect((await lab.run('print(1)', 'none')).output).toBe('1\n');
    await lab.close();
  });
});
