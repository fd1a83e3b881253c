import { computed, signal } from '@preact/signals';
import { createClient, JobRunnerError } from '../../src/client/client.ts';
import { stored } from './stored.ts';

/** The service that this page came from, and how the page reaches it. */

/** The folder that the page lies in: proxies may have put the service below a path. */
export const base = new URL('.', location.href.split('#', 1)[0]);

const RECONNECT_FOR_MS = 24 * 3600_000;

export const apiKey = stored('api-key', '', (value): value is string => typeof value === 'string');
/** The service has asked for a key, or refused the one that it was given. */
export const keyWanted = signal<'missing' | 'refused' | undefined>(undefined);

/** Fetches from the service with the key, and notices when it wants one. */
export async function fetchHere(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const key = apiKey.peek();
  const response = await fetch(input, init);
  // Another key may have been given meanwhile.
  if (response.status === 401 && key === apiKey.peek()) keyWanted.value = key === '' ? 'missing' : 'refused';
  return response;
}

const authorization = (): Record<string, string> => (apiKey.value === '' ? {} : { authorization: `Bearer ${apiKey.value}` });

/** For what the client has no call for: the answer to GET, whatever its status. */
export const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetchHere(new URL(path, base), { ...init, headers: { ...authorization(), ...(init.headers as Record<string, string> | undefined) } });

const clientWith = (fetchIt: typeof fetch) =>
  createClient({ url: base, fetch: fetchIt, apiKey: apiKey.value === '' ? undefined : apiKey.value, reconnectForMs: RECONNECT_FOR_MS });

export const client = computed(() => clientWith(fetchHere));

/** A client that tells whether its last request got through: `events()` comes back by itself, and a viewer should know that it is trying. */
export const watchedClient = (tell: (isConnected: boolean) => void): ReturnType<typeof clientWith> =>
  clientWith(async (input, init) => {
    try {
      const response = await fetchHere(input, init);
      tell(response.ok);
      return response;
    } catch (error) {
      tell(false);
      throw error;
    }
  });

export const jobPath = (id: string, ...rest: string[]): URL => new URL(['jobs', id, ...rest].map(encodeURIComponent).join('/'), base);
export const artifactUrl = (id: string, name: string): URL => jobPath(id, 'artifacts', ...name.split('/'));

/** What went wrong, in words for people. */
export function wordsOf(error: unknown): string {
  if (error instanceof JobRunnerError && error.code === 'unreachable') return 'The service can’t be reached. Is it running?';
  return error instanceof Error ? error.message : String(error);
}
