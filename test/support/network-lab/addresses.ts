/**
 * Who plays whom: all of these are addresses of one namespace of ours, without any way to a real network. What listens there says
 * under which address it was reached.
 */

export const PUBLIC = { web: '1.2.3.4', other: '5.6.7.8', dns: '9.9.9.9', web6: '2a00:1450::1', other6: '2a00:1450::2' } as const;

/** One of each kind that is not the public internet. */
export const SPECIAL_HOSTS = {
  'private 10/8': '10.99.0.1',
  'private 172.16/12': '172.16.9.1',
  'private 192.168/16': '192.168.9.1',
  'metadata of most clouds': '169.254.169.254',
  'metadata of Alibaba, carrier-grade NAT': '100.100.100.200',
  'metadata of Oracle': '192.0.0.192',
  'host of Azure': '168.63.129.16',
  'documentation 1': '192.0.2.9',
  'documentation 2': '198.51.100.9',
  'documentation 3': '203.0.113.9',
  benchmarks: '198.18.0.9',
  '6to4 relays': '192.88.99.1',
  reserved: '240.0.0.9',
  'metadata of AWS over IPv6': 'fd00:ec2::254',
  'unique local': 'fd12::9',
  'site-local': 'fec0::9',
  NAT64: '64:ff9b::a63:1',
  'NAT64, local': '64:ff9b:1::a63:1',
  '6to4': '2002:a63:1::1',
  Teredo: '2001:0:a63:1::1',
  'documentation over IPv6': '2001:db8::9',
  'new documentation': '3fff::9',
} as const;

/** The machine that jobs run on: its link to the internet, and an address of its own that looks public. */
export const MACHINE = { link: '10.77.0.1', link6: 'fd77::1', public: '198.41.0.4' } as const;
export const GATEWAY = { link: '10.77.0.2', link6: 'fd77::2' } as const;

/** Everything answers here, over TCP and over UDP. */
export const PORT = 7000;
export const OTHER_PORT = 7001;
export const HTTP_PORT = 8080;
