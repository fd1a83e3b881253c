import type { Command } from 'commander';
import { createClient, JobRunnerError, type Client } from '../client/client.ts';
import { DEFAULT_URL } from '../client/request.ts';
import { startEmbedded } from './embedded.ts';
import { readEnvironment } from './environment.ts';
import { CliFailure } from './failure.ts';
import { say, styled } from './terminal.ts';

/** Options that every command has. */
export interface GlobalOptions {
  url?: string;
  apiKey?: string;
  json?: boolean;
}

export interface Connection {
  client: Client;
  url: string;
  /** Undefined where none was named; a service of the command's own asks for none. */
  apiKey: string | undefined;
  /** Whether the service lives as long as this command only. */
  embedded: boolean;
  close(): Promise<void>;
}

const PROBE_MS = 2000;
/** Somebody is waiting at a keyboard. */
const RETRY_FOR_MS = 3000;
/** Instead of an address: a service of the command's own, whatever else there is. */
const LOCAL = 'local';

/** Whether a Job Runner answers there; one that wants a key does. */
async function answers(client: Client): Promise<boolean> {
  try {
    await client.runtimes({ signal: AbortSignal.timeout(PROBE_MS) });
    return true;
  } catch (error) {
    return error instanceof JobRunnerError && (error.status === 401 || error.status === 403);
  }
}

function given(options: GlobalOptions): { url: string | undefined; apiKey: string | undefined } {
  const environment = readEnvironment();
  const url = options.url ?? environment.url;
  if (url !== undefined && url !== LOCAL && !/^https?:\/\//.test(url)) {
    throw new CliFailure(`"${url}" is no address of a service.`, 'write it like http://127.0.0.1:8000');
  }
  return { url, apiKey: options.apiKey ?? environment.apiKey };
}

/**
 * The service that was named, else the one that usually runs on this machine, else one of our own for this command alone: it keeps
 * its jobs for the next time. `fetch` is for a look at what is sent.
 */
export async function connect(command: Command, more: { fetch?: typeof fetch; needsServer?: string } = {}): Promise<Connection> {
  const { url, apiKey } = given(command.optsWithGlobals<GlobalOptions>());
  const clientOf = (at: string): Client => createClient({ url: at, apiKey, fetch: more.fetch, retryForMs: RETRY_FOR_MS });
  const existing = (at: string): Connection => ({ client: clientOf(at), url: at, apiKey, embedded: false, close: async () => undefined });
  if (url !== undefined && url !== LOCAL) return existing(url);
  if (url !== LOCAL && (await answers(createClient({ url: DEFAULT_URL, apiKey, retryForMs: 0 })))) return existing(DEFAULT_URL);
  if (more.needsServer !== undefined) {
    throw new CliFailure(
      `${more.needsServer} needs a service that goes on, and there is none.`,
      'start one with `job-runner serve`, or name one with --url or JOB_RUNNER_URL',
    );
  }
  const { dataDir } = readEnvironment();
  const dim = (text: string): string => styled('dim', text, process.stderr);
  const why = url === LOCAL ? '' : `No service at ${DEFAULT_URL}: `;
  say(dim(`${why}${why === '' ? 'This' : 'this'} command runs a service of its own, with its jobs in ${dataDir}`));
  const embedded = await startEmbedded(dataDir, (line) => say(dim(`  … ${line}`)));
  if (!embedded.isolated) say(styled('yellow', 'WITHOUT isolation, as SANDBOX=none asks', process.stderr));
  return { client: clientOf(embedded.url), url: embedded.url, apiKey: undefined, embedded: true, close: () => embedded.stop() };
}

/** Does something with a service, and lets go of it whatever happens. */
export async function withService<T>(
  command: Command,
  use: (connection: Connection) => Promise<T>,
  more: Parameters<typeof connect>[1] = {},
): Promise<T> {
  const connection = await connect(command, more);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
