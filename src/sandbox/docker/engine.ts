import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../../errors.ts';

/** Where an engine is, as node:http takes it. */
export interface Engine {
  /** As it was written, for people. */
  host: string;
  connection: { socketPath: string } | { host: string; port: number; tls?: { ca?: string; cert?: string; key?: string } };
}

export interface EngineSettings {
  /** DOCKER_HOST; without, the usual sockets are looked for. */
  dockerHost: string | undefined;
  /** DOCKER_CERT_PATH: a folder with ca.pem, cert.pem and key.pem. */
  certificates: string | undefined;
  /** XDG_RUNTIME_DIR, where engines without root have their sockets. */
  runtimeDir: string | undefined;
}

const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

function readCertificates(folder: string): { ca: string; cert: string; key: string } {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  try {
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch (error) {
    throw new StartError(
      `DOCKER_CERT_PATH=${folder} has not all of ca.pem, cert.pem and key.pem.`,
      'set it to the folder that was made for this client',
      error,
    );
  }
}

/** Reads what DOCKER_HOST says. Throws a StartError for what it can't be. */
export function parseDockerHost(dockerHost: string, certificates: string | undefined): Engine {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (socketPath !== undefined) return { host: dockerHost, connection: { socketPath } };
  const text = dockerHost.replace(/^tcp:/, 'http:');
  const url = /^https?:/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) {
    throw new StartError(
      `DOCKER_HOST=${dockerHost} is not of a kind that is known here.`,
      'set it to unix:///path/to/docker.sock or tcp://host:2376',
    );
  }
  const tls = certificates !== undefined ? readCertificates(certificates) : url.protocol === 'https:' ? {} : undefined;
  const port = Number(url.port) || (tls === undefined ? PLAIN_PORT : TLS_PORT);
  return { host: dockerHost, connection: { host: url.hostname.replace(/^\[|\]$/g, ''), port, ...(tls === undefined ? {} : { tls }) } };
}

/** Where an engine may be: the one that is named, or else where Docker and Podman usually listen, root's first. */
export function possibleEngines({ dockerHost, certificates, runtimeDir }: EngineSettings): Engine[] {
  if (dockerHost !== undefined) return [parseDockerHost(dockerHost, certificates)];
  const own = runtimeDir === undefined ? [] : [join(runtimeDir, 'docker.sock'), join(runtimeDir, 'podman/podman.sock')];
  return ['/var/run/docker.sock', '/run/podman/podman.sock', ...own].map((path) => parseDockerHost(`unix://${path}`, undefined));
}
