import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDestination, type Destination } from '../../../src/api/net-policy.ts';
import type { Network } from '../../../src/sandbox/sandbox.ts';
import { PORT, PUBLIC, SPECIAL_HOSTS } from '../../support/network-lab/addresses.ts';
import type { Lab } from '../../support/network-lab/lab.ts';

/** Programs that have a network and try to get to where it must not lead, each with all that it must say. */
export interface NetworkAttack {
  network: Network;
  env?: Record<string, string>;
  says: string | RegExp;
}

export const allow = (...entries: string[]): Network => ({
  allow: entries.map(parseDestination).filter((entry): entry is Destination => typeof entry !== 'string'),
});

const outbound = { network: 'outbound', says: 'done\n' } as const;

export const NETWORK_ATTACKS: Readonly<Record<string, NetworkAttack>> = {
  'special-addresses': { ...outbound, env: { TARGETS: JSON.stringify(SPECIAL_HOSTS) } },
  'written-otherwise': outbound,
  rebinding: { ...outbound, says: `0 ${PUBLIC.web}\n1 gaierror\n2 gaierror\n` },
  redirect: { ...outbound, says: `${PUBLIC.web} has /page\nConnectionRefusedError\n` },
  'inner-names': outbound,
  'past-the-routes': outbound,
  'the-filter-itself': outbound,
  'the-machine': outbound,
  'resolver-of-the-engine': { network: allow(), says: "['127.0.0.1']\n" },
  // 256 of both together; a connection that was refused may count for a moment.
  'too-many-connections': { ...outbound, says: /^(25[0-6] 0|24\d [0-9]) still here\n$/ },
  'flood-of-questions': { ...outbound, says: `${PUBLIC.web}\n` },
  'beyond-the-list': {
    network: allow(`four.example:${PORT}`, '*.wild.example'),
    says: `before its name was asked for: ConnectionRefusedError
listed: ${PUBLIC.web} ${PORT} | ${PUBLIC.web} says x
its other port: ConnectionRefusedError
below the wildcard: ${PUBLIC.other} ${PORT} | ${PUBLIC.other} 7001
the wildcard's own name: gaierror
another name: gaierror
another address: ConnectionRefusedError ConnectionRefusedError
another resolver: ConnectionRefusedError PermissionError
`,
  },
};

/** What each tries, as its first lines say. */
export async function readNetworkAttacks(): Promise<{ name: string; tries: string }[]> {
  const attacks: { name: string; tries: string }[] = [];
  for (const name of Object.keys(NETWORK_ATTACKS)) {
    const head = (await programOf(name)).split('# Must:')[0] ?? '';
    attacks.push({
      name,
      tries: head
        .replace('# Tries:', '')
        .replaceAll(/\n#? */g, ' ')
        .trim(),
    });
  }
  return attacks;
}

const programOf = (name: string): Promise<string> => readFile(join(import.meta.dirname, `${name}.py`), 'utf8');

/** What is not as it must be: nothing, when the attack is held. */
export async function runNetworkAttack(lab: Lab, name: string): Promise<string[]> {
  const attack = NETWORK_ATTACKS[name];
  if (attack === undefined) throw new Error(`there is no ${name}`);
  const { network, env = {}, says } = attack;
  const { output, exit } = await lab.run(await programOf(name), network, { env });
  const isAsExpected = typeof says === 'string' ? output === says : says.test(output);
  const ended = exit.kind === 'exited' && exit.code === 0;
  return [...(isAsExpected ? [] : [`said ${JSON.stringify(output)}`]), ...(ended ? [] : [`ended with ${JSON.stringify(exit)}`])];
}
