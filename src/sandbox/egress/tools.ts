import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Host, Step } from '../plan.ts';
import type { Outbound } from '../sandbox.ts';

/** What of this machine a job's network is made of. */
export interface NetworkTools {
  slirp4netns: string;
  nft: string;
  /** The host's own device is for root alone; jobs' relays get one of their own. */
  makeTunDevice: boolean;
}

const TUN = '/dev/net/tun';
/** makedev(10, 200), as everywhere (Documentation/networking/tuntap.rst). */
const TUN_NUMBER = (10 << 8) | 200;
const OPEN_TO_ALL = 0o006;
/** The relay's own beside those of its connections: the device, pipes, its libraries'. */
const SPARE_FILES = 64;

const impossible = (reason: string, remedy: string): Outbound & { possible: false } => ({ possible: false, reason, remedy });

async function find(program: string): Promise<string | undefined> {
  for (const folder of ['/usr/sbin', '/usr/bin', '/sbin', '/bin']) {
    const path = join(folder, program);
    if (await isThere(path, constants.X_OK)) return path;
  }
  return undefined;
}

const isThere = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

/** Or why there can be no filtered network here. */
export async function findTools(root: boolean): Promise<NetworkTools | (Outbound & { possible: false })> {
  const [slirp4netns, nft] = await Promise.all([find('slirp4netns'), find('nft')]);
  if (slirp4netns === undefined || nft === undefined) {
    const missing = [...(slirp4netns === undefined ? ['slirp4netns'] : []), ...(nft === undefined ? ['nftables'] : [])];
    const sudo = root ? '' : 'sudo ';
    return impossible(`${missing.join(' and ')} not installed`, `${sudo}apt-get install -y --no-install-recommends ${missing.join(' ')}`);
  }
  const device = await stat(TUN).catch(() => undefined);
  if (device === undefined)
    return impossible(`there is no ${TUN}`, root ? 'modprobe tun (in a container: --device /dev/net/tun)' : 'sudo modprobe tun');
  if (!root && !(await isThere(TUN, constants.R_OK | constants.W_OK)))
    return impossible(`${TUN} is closed to this user`, `sudo chmod 0666 ${TUN}`);
  return { slirp4netns, nft, makeTunDevice: root && (device.mode & OPEN_TO_ALL) !== OPEN_TO_ALL };
}

/** The addresses under which this very machine is reached. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address.split('%')[0] ?? address));

/** Whether the machine itself speaks IPv6 to others; a job that is told so for nothing would try it first and lose time. */
export const hasIpv6 = (): boolean =>
  Object.values(networkInterfaces()).some((list = []) =>
    list.some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80')),
  );

/** The launcher's steps for a network namespace with a way out, which the job then joins. */
export const networkSteps = (host: Host, tools: NetworkTools, ipv6: boolean, maxFlows: number): Step[] => [
  ...(tools.makeTunDevice ? ([['tun-device', '/dev/net', TUN, TUN_NUMBER]] satisfies Step[]) : []),
  [
    'network',
    ...[tools.slirp4netns, join(host.workDir, 'job-network.pl'), host.perl, tools.nft, ipv6 ? 1 : 0, maxFlows + SPARE_FILES],
    ...['--configure', '--mtu=65520', '--cidr=198.19.255.0/24', ...(ipv6 ? ['--enable-ipv6'] : [])],
    // On top of the packet filter, through which nothing gets to where these would matter.
    ...['--disable-host-loopback', '--enable-sandbox', '--enable-seccomp'],
  ],
];
