import { z } from 'zod';

/** Where a job's own allow-list lets it connect to. Without a port: to all of them. */
export type Destination =
  | { address: string; port?: number }
  | { name: string; /** The names below it, not itself. */ below: boolean; port?: number };

const MAX_ENTRIES = 100;
const MAX_NAME = 253;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const MAPPED = /^::(ffff:)?\d+\.\d+\.\d+\.\d+$|^::ffff:/i;

const isIpv4 = (text: string): boolean => z.ipv4().safeParse(text).success;
const isIpv6 = (text: string): boolean => z.ipv6().safeParse(text).success;

/** Host and port of `host`, `host:port`, `[address]` and `[address]:port`; an IPv6 address without brackets has no port. */
function split(entry: string): { host: string; port: string | undefined } {
  const [, bracketed, after] = /^\[([^\]]*)\](?::(.*))?$/s.exec(entry) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: after };
  const [host = '', port, ...more] = entry.split(':');
  return more.length > 0 ? { host: entry, port: undefined } : { host, port };
}

/** Reads one entry of an allow-list: what it means, or what is wrong with it. */
export function parseDestination(entry: string): Destination | string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(entry)) return 'is a URL; write its host, such as api.example.org:443';
  if (entry.includes('/')) return 'must be a host, without a path or a prefix length';
  const { host, port: digits } = split(entry);
  const port = digits === undefined ? undefined : Number(digits);
  if (digits !== undefined && (!/^\d{1,5}$/.test(digits) || port === undefined || port < 1 || port > 65_535))
    return 'must have a port from 1 to 65535, or none';
  const at = port === undefined ? {} : { port };
  if (isIpv4(host)) return { address: host, ...at };
  if (MAPPED.test(host)) return 'is an IPv4 address in IPv6’s clothes; write it as IPv4';
  if (isIpv6(host)) return { address: host.toLowerCase(), ...at };
  if (entry.startsWith('[')) return 'has no IPv6 address between its brackets';
  if (/[^\u0021-\u007e]/.test(host)) return 'must be ASCII; write other letters in the form xn--…';
  if (host === '*') return 'would allow everything; that is "outbound"';
  const below = host.startsWith('*.');
  const name = host
    .slice(below ? 2 : 0)
    .replace(/\.$/, '')
    .toLowerCase();
  const labels = name.split('.');
  if (name.length > MAX_NAME || !labels.every((label) => LABEL.test(label)) || /^\d+$/.test(labels.at(-1) ?? ''))
    return 'must be a name such as api.example.org, names below one such as *.example.org, or an address; each with :port or without';
  return { name, below, ...at };
}

const destination = z.string().superRefine((entry, context) => {
  const parsed = parseDestination(entry);
  if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
});

export const netPolicy = z
  .union(
    [
      z.enum(['none', 'outbound']),
      z.strictObject({
        allow: z.array(destination).max(MAX_ENTRIES).describe('api.example.org, *.example.org:443, 192.0.2.7:8080, [2001:db8::7]'),
      }),
    ],
    'must be "none", "outbound" or {"allow": ["api.example.org", "*.example.org:443"]}',
  )
  .describe('Network access: none, to public addresses, or of these to what is listed only; an empty list allows nothing');

export type NetPolicy = z.output<typeof netPolicy>;
