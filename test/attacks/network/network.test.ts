import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRange, type Range } from '../../../src/sandbox/egress/ranges.ts';
import type { Network } from '../../../src/sandbox/sandbox.ts';
import { MACHINE, OTHER_PORT, PORT, PUBLIC, SPECIAL_HOSTS } from '../../support/network-lab/addresses.ts';
import { EGRESS, openLab, type Lab } from '../../support/network-lab/lab.ts';
import { allow, NETWORK_ATTACKS, runNetworkAttack } from './attacks.ts';

/** Programs that look for a way to where they must not get, on a machine and an internet of network namespaces of ours. */

const missing = ['slirp4netns', 'nft', 'ip', 'unshare', 'nsenter'].filter(
  (program) => spawnSync('/bin/sh', ['-c', `command -v ${program}`], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }).status !== 0,
);
const why =
  process.getuid?.() !== 0 ? 'only root can make the networks' : missing.length > 0 ? `missing: ${missing.join(', ')}` : undefined;
if (why !== undefined && process.env['CI']) throw new Error(why);

const ranges = (...texts: string[]): Range[] => texts.map((text) => parseRange(text)).filter((range) => range !== undefined);

/** Prints what it hears from each host, or what became of it. */
const VISIT = `
import os, socket, sys
for word in os.environ["HOSTS"].split():
    host, _, port = word.partition(",")
    try:
        with socket.create_connection((host, int(port or ${PORT})), 5) as connection:
            print(connection.recv(100).decode().strip())
    except OSError as error:
        print(type(error).__name__)
`;

for (const user of ['root', 'nobody'] as const) {
  describe.skipIf(why !== undefined)(`a job’s network on a service of ${user}${why === undefined ? '' : ` (${why})`}`, () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await openLab(user);
    });
    afterAll(() => lab?.close());

    const visit = async (network: Network, ...hosts: string[]): Promise<string[]> =>
      (await lab.run(VISIT, network, { env: { HOSTS: hosts.join(' ') } })).output.trim().split('\n');

    it('is possible, and the hosts that it is tried on are there', async () => {
      expect(lab.health.outbound).toEqual({ possible: true });
      for (const address of [...Object.values(SPECIAL_HOSTS), PUBLIC.web, PUBLIC.web6])
        expect(await lab.reach(address)).toBe(`${address} ${PORT}\n`);
    });

    it('reaches public hosts by address and by name, over IPv4 and IPv6', async () => {
      expect(await visit('outbound', PUBLIC.web, PUBLIC.web6, 'four.example', 'alias.example', `${PUBLIC.other},${OTHER_PORT}`)).toEqual([
        `${PUBLIC.web} ${PORT}`,
        `${PUBLIC.web6} ${PORT}`,
        `${PUBLIC.web} ${PORT}`,
        `${PUBLIC.web} ${PORT}`,
        `${PUBLIC.other} ${OTHER_PORT}`,
      ]);
    });

    it('carries megabytes over TCP and datagrams over UDP unchanged', async () => {
      const { output } = await lab.run(
        `
import hashlib, os, socket, threading
data = os.urandom(4_000_000)
with socket.create_connection(("${PUBLIC.web}", ${PORT}), 10) as connection:
    greeting = connection.makefile("rb").readline()
    threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR))).start()
    back = b"".join(iter(lambda: connection.recv(65536), b""))
print(greeting, back == data)
for family, host in ((socket.AF_INET, "${PUBLIC.web}"), (socket.AF_INET6, "${PUBLIC.web6}")):
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(5)
        datagrams.sendto(b"hello" * 200, (host, ${PORT}))
        print(datagrams.recvfrom(4096)[0] == f"{host} says ".encode() + b"hello" * 200)
`,
        'outbound',
      );
      expect(output).toBe(`b'${PUBLIC.web} ${PORT}\\n' True\nTrue\nTrue\n`);
    });

    it('resolves what is too long for UDP over TCP', async () => {
      const { output } = await lab.run(
        `
import socket, struct
question = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\\3big\\7example\\0" + struct.pack("!HH", 16, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
    datagrams.settimeout(5)
    datagrams.sendto(question, ("127.0.0.1", 53))
    answer = datagrams.recv(4096)
    print("cut off:", bool(answer[2] & 2))
with socket.create_connection(("127.0.0.1", 53), 5) as connection:
    framed = struct.pack("!H", len(question)) + question
    connection.sendall(framed[:5]); connection.sendall(framed[5:] + framed)
    file = connection.makefile("rb")
    print([struct.unpack("!HHHH", file.read(struct.unpack("!H", file.read(2))[0])[:8]) for _ in range(2)])
`,
        'outbound',
      );
      expect(output).toBe('cut off: True\n[(7, 33152, 1, 10), (7, 33152, 1, 10)]\n');
    });

    it('is nothing at all unless it is asked for', async () => {
      expect(await visit('none', PUBLIC.web, PUBLIC.web6, 'four.example')).toEqual(['OSError', 'OSError', 'gaierror']);
    });

    it.each(Object.keys(NETWORK_ATTACKS))('withstands: %s', async (name) => {
      expect(await runNetworkAttack(lab, name)).toEqual([]);
    });

    it('reaches the addresses of its allow-list, but none that no job may reach', async () => {
      const inner = SPECIAL_HOSTS['private 10/8'];
      const list = allow(`${PUBLIC.web}:${PORT}`, PUBLIC.other, `[${PUBLIC.web6}]:${PORT}`, inner, 'inner.example', 'rebind.example');
      const hosts = [
        PUBLIC.web,
        `${PUBLIC.web},${OTHER_PORT}`,
        `${PUBLIC.other},${OTHER_PORT}`,
        PUBLIC.web6,
        PUBLIC.other6,
        inner,
        'inner.example',
      ];
      expect(await visit(list, ...hosts)).toEqual([
        `${PUBLIC.web} ${PORT}`,
        'ConnectionRefusedError',
        `${PUBLIC.other} ${OTHER_PORT}`,
        `${PUBLIC.web6} ${PORT}`,
        'ConnectionRefusedError',
        'ConnectionRefusedError',
        'gaierror',
      ]);
    });

    it('reaches nothing by an empty list', async () => {
      expect(await visit(allow(), PUBLIC.web, PUBLIC.web6, 'four.example')).toEqual([
        'ConnectionRefusedError',
        'ConnectionRefusedError',
        'gaierror',
      ]);
    });

    it('goes with its job, with all that kept it', async () => {
      const during = lab.run(`${VISIT}\nimport time; time.sleep(2)`, 'outbound', { env: { HOSTS: PUBLIC.web } });
      await expect.poll(async () => (await lab.processes()).names, { timeout: 10_000 }).toContain('slirp4netns');
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
    await expect.poll(async () => (await lab.processes()).names, { timeout: 30_000 }).toContain('slirp4netns');
    expect(await lab.kill()).toEqual([]);
    void job;
    await lab.close();
  });
});

describe.skipIf(why !== undefined)('a machine that lacks what networks are made of', () => {
  it('says so, with the line that mends it, and runs no job that asks for one', async () => {
    const lab = await openLab('root', EGRESS, ['/usr/bin/slirp4netns', '/usr/sbin/nft']);
    const remedy = 'apt-get install -y --no-install-recommends slirp4netns nftables';
    expect(lab.health.outbound).toEqual({ possible: false, reason: 'slirp4netns and nftables not installed', remedy });
    expect(lab.health.notes.join()).toContain(remedy);
    await expect(lab.run('print(1)', 'outbound')).rejects.toThrow('not installed');
    expect((await lab.run('print(1)', 'none')).output).toBe('1\n');
    await lab.close();
  });
});
