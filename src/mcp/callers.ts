import type { IncomingHttpHeaders } from 'node:http';
import { localhostAllowedHostnames, localhostAllowedOrigins, validateHostHeader, validateOriginHeader } from '@modelcontextprotocol/server';
import { isLoopback, type Config } from '../config.ts';

/**
 * Who may call: a page in a browser must not reach a server of the machine's own by a name that was made to point there
 * (DNS rebinding), nor one that trusts other pages. Undefined: this one may; else why not. MCP specification, "Security
 * Warning" of the streamable HTTP transport.
 */
export function createCallerCheck(config: Config): (headers: IncomingHttpHeaders) => string | undefined {
  const local = isLoopback(config.HOST);
  const hosts = [...(local ? localhostAllowedHostnames() : []), ...config.MCP_HOSTS];
  // Behind an address that everybody reaches, the names are not ours to know.
  const anyHost = config.MCP_HOSTS.includes('*') || hosts.length === 0;
  const trusted = config.CORS_ORIGINS.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).hostname);
  const origins = [...(local ? localhostAllowedOrigins() : []), ...trusted];
  const anyOrigin = config.CORS_ORIGINS.includes('*');

  return ({ host, origin }) => {
    const hostResult = anyHost ? undefined : validateHostHeader(host, hosts);
    if (hostResult?.ok === false) return hostResult.message;
    const originResult = anyOrigin ? undefined : validateOriginHeader(origin, origins);
    return originResult?.ok === false ? originResult.message : undefined;
  };
}
