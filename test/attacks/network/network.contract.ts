import { expect, it } from 'vitest';
import type { Network } from '../../../src/sandbox/sandbox.ts';
import { OTHER_PORT, PORT, PUBLIC, SPECIAL_HOSTS } from '../../support/network-lab/addresses.ts';
import type { Lab } from '../../support/network-lab/lab.ts';
import { allow, NETWORK_ATTACKS, runNetworkAttack } from './attacks.ts';

/** Prints what it hears from each host, or what became of it. */
export const VISIT = `
import os, socket, sys
for word in os.environ["HOSTS"].split():
    host, _, port = word.partition(",")
    try:
        with socket.create_connection((host, int(port or ${PORT})), 5) as connection:
            print(connection.recv(100).decode().strip())
    except OSError as error:
        print(type(error).__name__)
`;

/** What every driver promises of a job’s network. */
export function networkContract(lab: () => Lab): void {
  const visit = async (network: Network, ...hosts: string[]): Promise<string[]> =>
    (await lab().run(VISIT, network, { env: { HOSTS: hosts.join(' ') } })).output.trim().split('\n');

  it('is possible, and the hosts that it is tried on are there', async () => {
    expect(lab().health.outbound).toEqual({ possible: true });
    for (const address of [...Object.values(SPECIAL_HOSTS), PUBLIC.web, PUBLIC.web6])
      expect(await lab().reach(address)).toBe(`${address} ${PORT}\n`);
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
    const { output } = await lab().run(
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
    const { output } = await lab().run(
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

  // Beside each other where it makes no difference how quickly anything answers.
  const names = Object.keys(NETWORK_ATTACKS);
  const isPatient = (name: string): boolean => NETWORK_ATTACKS[name]?.says === 'done\n';
  it.concurrent.each(names.filter(isPatient))('withstands: %s', async (name) => {
    expect(await runNetworkAttack(lab(), name)).toEqual([]);
  });
  it.each(names.filter((name) => !isPatient(name)))('withstands: %s', async (name) => {
    expect(await runNetworkAttack(lab(), name)).toEqual([]);
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
}
