import type { Destination, Network } from '../sandbox.ts';
import { inWords, SPECIAL, type Range, type Rules } from './ranges.ts';

/**
 * The packet filter of one job's network namespace, as nft reads it: pure. It looks at what leaves, at the address that the kernel is
 * about to send to: whatever name, redirect or form of address a program came by, this is what it comes to.
 */

const TABLE = 'inet job';

/** Addresses that an allow-list's names may be at, at once. */
export const MAX_PERMITTED = 1024;

const FAMILIES = [
  { family: 'ipv4', suffix: '4', match: 'ip daddr', type: 'ipv4_addr' },
  { family: 'ipv6', suffix: '6', match: 'ip6 daddr', type: 'ipv6_addr' },
] as const;

const list = (elements: readonly string[]): string => (elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`);

function rangeSets(name: string, ranges: readonly Range[]): string[] {
  return FAMILIES.map(({ family, suffix, type }) => {
    const elements = ranges.filter((each) => each.family === family).map(inWords);
    return `set ${name}${suffix} { type ${type}; flags interval; auto-merge;${list(elements)} }`;
  });
}

const inSet = (name: string, verdict: string): string[] => FAMILIES.map(({ suffix, match }) => `${match} @${name}${suffix} ${verdict}`);

/** One address that an allow-list permits, for `seconds`, or for good. */
export interface Permit {
  address: string;
  port?: number | undefined;
}

const suffixOf = (address: string): string => (address.includes(':') ? '6' : '4');
const setOf = ({ address, port }: Permit): string => `${port === undefined ? 'hosts' : 'ports'}${suffixOf(address)}`;
const elementOf = ({ address, port }: Permit): string => (port === undefined ? address : `${address} . ${port}`);

export const permitScript = (permit: Permit, seconds: number): string =>
  `add element ${TABLE} ${setOf(permit)} { ${elementOf(permit)} timeout ${seconds}s }\n`;
export const forgetScript = (permit: Permit): string => `delete element ${TABLE} ${setOf(permit)} { ${elementOf(permit)} }\n`;

const addressesOf = (allow: readonly Destination[]): Permit[] => allow.filter((each) => 'address' in each);

/** The list's own addresses lie in sets of their own: what an answer's time ends must not take them along. */
function permittedSets(allow: readonly Destination[]): string[] {
  const permits = addressesOf(allow);
  const elements = (set: string): string => list([...new Set(permits.filter((each) => setOf(each) === set).map(elementOf))]);
  return FAMILIES.flatMap(({ suffix, type }) =>
    [
      { set: `hosts${suffix}`, of: type },
      { set: `ports${suffix}`, of: `${type} . inet_service` },
    ].flatMap(({ set, of }) => [
      `set listed_${set} { type ${of};${elements(set)} }`,
      `set ${set} { type ${of}; flags timeout; size ${MAX_PERMITTED}; }`,
    ]),
  );
}

const permittedRules = (): string[] =>
  FAMILIES.flatMap(({ suffix, match }) =>
    ['listed_', ''].flatMap((kind) => [
      `${match} @${kind}hosts${suffix} goto count_flows`,
      `${match} . th dport @${kind}ports${suffix} goto count_flows`,
    ]),
  );

/** All of a job's filter. `maxFlows` connections, and conversations over UDP, at once. */
export function ruleset(rules: Rules, network: Exclude<Network, 'none'>, maxFlows: number): string {
  const allow = network === 'outbound' ? undefined : network.allow;
  return `table ${TABLE} {
  ${[
    ...rangeSets('own', rules.own),
    ...rangeSets('denied', rules.denied),
    ...rangeSets('private', rules.allowedPrivate),
    ...rangeSets('special', [...SPECIAL, ...rules.neighbours]),
    ...(rules.closedLoopback.length === 0 ? [] : rangeSets('closed', rules.closedLoopback)),
    ...(allow === undefined ? [] : permittedSets(allow)),
  ].join('\n  ')}

  chain outgoing {
    type filter hook output priority filter; policy drop;
    ${rules.closedLoopback.length === 0 ? '' : inSet('closed', 'goto refuse').join('\n    ')}
    oifname "lo" accept
    # Only the kernel can send these here: they take a right that the job has not got.
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    # Source routes and the like.
    ip hdrlength > 5 goto refuse
    meta l4proto != { tcp, udp } goto refuse
    ct state established accept
    ${[...inSet('own', 'goto refuse'), ...inSet('denied', 'goto refuse'), ...inSet('private', 'goto permitted'), ...inSet('special', 'goto refuse')].join('\n    ')}
    goto permitted
  }
  chain permitted {
    ${allow === undefined ? 'goto count_flows' : [...permittedRules(), 'goto refuse'].join('\n    ')}
  }
  chain count_flows {
    ct count over ${maxFlows} goto refuse
    accept
  }
  chain refuse {
    # Both are told at once. For TCP over IPv6 the kernel heeds the other kind only when it has tried a second time.
    meta l4proto tcp reject with tcp reset
    reject with icmpx type admin-prohibited
  }
  chain incoming {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}
`;
}
