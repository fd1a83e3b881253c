import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Addresses with the same first `bits`. */
export interface Range {
  address: string;
  bits: number;
  family: 'ipv4' | 'ipv6';
}

const BITS = { ipv4: 32, ipv6: 128 } as const;

/** Reads `10.0.0.0/8`, `fd00::/8`, or one address. Undefined when it is none of these. */
export function parseRange(text: string): Range | undefined {
  const [address = '', digits, ...more] = text.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined;
  if (family === undefined || more.length > 0) return undefined;
  if (digits === undefined) return { address, bits: BITS[family], family };
  const bits = Number(digits);
  return /^\d{1,3}$/.test(digits) && bits <= BITS[family] ? { address, bits, family } : undefined;
}

/** A text of ours, which is known to be one. */
function range(text: string): Range {
  const parsed = parseRange(text);
  if (parsed === undefined) throw new Error(`${text} is no range of addresses`);
  return parsed;
}

export const isOneAddress = ({ bits, family }: Range): boolean => bits === BITS[family];
export const inWords = ({ address, bits }: Range): string => `${address}/${bits}`;

/**
 * Everything that is not the public internet: the special-purpose registries of IANA (RFC 6890 and what was added since), taken
 * whole where only parts of a range are special, and what clouds answer their machines' secrets from.
 */
export const SPECIAL: readonly Range[] = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carriers' own; Alibaba's metadata
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's host, under an address that looks public
  '169.254.0.0/16', // link-local; the metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; Oracle's metadata
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  // Outside of 2000::/3 nothing is public: unspecified, loopback, IPv4-mapped and -compatible, NAT64 (64:ff9b::/96 and
  // 64:ff9b:1::/48), discard, segment routing, unique local (the metadata of AWS and Google), link- and site-local, multicast.
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001::/23', // protocol assignments: Teredo, ORCHID, benchmarks
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: any IPv4 address in IPv6's clothes
  '3fff::/20', // documentation
].map(range);

/** slirp4netns's end of the job's device and the job's: of the benchmark range, where no real network is. */
export const DEVICE_NETWORKS: readonly Range[] = ['198.19.255.0/24', 'fd00::/64'].map(range);

/** Where machines of clouds get their secrets from. Closed even where an operator opens the range around it. */
const METADATA = ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'];

/** What lies around a job's network that no list of ranges knows. */
export interface Around {
  /** Networks of other jobs and of others' containers, whatever their addresses look like. As special as SPECIAL. */
  neighbours: readonly Range[];
  /** Of the job's own loopback network: where somebody else answers. */
  closedLoopback: readonly Range[];
}

const NOTHING_AROUND: Around = { neighbours: [], closedLoopback: [] };

/** What an operator decided, and this machine's own addresses. */
export interface Rules extends Around {
  /** This very machine, and metadata: never allowed, but where the operator has named exactly that address. */
  own: readonly Range[];
  /** Further ranges that nobody may reach. Stronger than all that follows. */
  denied: readonly Range[];
  /** Special ranges that jobs may reach like public ones. */
  allowedPrivate: readonly Range[];
}

export const rulesFor = (
  ownAddresses: readonly string[],
  denied: readonly Range[],
  allowedPrivate: readonly Range[],
  around: Around = NOTHING_AROUND,
): Rules => {
  const isNamed = matcher(allowedPrivate.filter(isOneAddress));
  return {
    own: [...DEVICE_NETWORKS, ...[...METADATA, ...ownAddresses].map(range).filter(({ address }) => !isNamed(address))],
    denied,
    allowedPrivate,
    ...around,
  };
};

/** Whether the rules let anybody connect to an address: the same decision that the packet filter makes (ruleset.ts). */
export function createDecision({ own, denied, allowedPrivate, neighbours }: Rules): (address: string) => boolean {
  const isNever = matcher([...own, ...denied]);
  const isAllowed = matcher(allowedPrivate);
  const isSpecial = matcher([...SPECIAL, ...neighbours]);
  return (address) => !isNever(address) && (isAllowed(address) || !isSpecial(address));
}

function matcher(ranges: readonly Range[]): (address: string) => boolean {
  // Two lists: in one of both families, an IPv4 address is found in the ranges of its mapped form, too.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, bits, family } of ranges) lists[family].addSubnet(address, bits, family);
  return (address) => {
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    return lists[family].check(address, family);
  };
}
