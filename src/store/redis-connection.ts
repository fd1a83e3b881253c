import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { StartError } from '../errors.ts';
import { errorInUse, isPassing, wasNotSent } from './redis-errors.ts';
import { StoreError } from './store.ts';

/** The connections of one process. */
export interface Connection {
  /** For everything that doesn't block. BullMQ shares it. */
  readonly client: Redis;
  /** Where Redis is, without its password. */
  readonly where: string;
  /** Aborts when the store is closed. */
  readonly closing: AbortSignal;
  /** Does something with Redis. Waits a moment when it is away; then, as when it fails, throws a StoreError. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** The same for what may be done twice: when the connection breaks meanwhile, it is done again, for as long as one waits for Redis. */
  repeat<T>(work: () => Promise<T>): Promise<T>;
  /** The same for what is worth more patience: it is done again while its error `mayPass`, for `ms`. */
  insist<T>(ms: number, mayPass: (error: unknown) => boolean, work: () => Promise<T>): Promise<T>;
  /** One more connection, for commands that block or for messages. Closed with the others. */
  another(purpose: string): Redis;
  close(): void;
}

export interface ConnectionOptions {
  url: string;
  /** So long a command may take. Then it counts as failed, though Redis may have carried it out. */
  commandTimeoutMs: number;
}

/** So long a request waits for Redis to come back: longer than a fail-over's hiccup, shorter than a client's patience. */
const PATIENCE_MS = 1000;
const BLOCKING_MS = 15_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1000;
/** Between two tries of what may be tried for long. */
const INSIST_EVERY_MS = 250;

const withoutPassword = (url: string): string => {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
};

/**
 * Commands fail when the connection does, and are never sent again behind our backs: a script that ran twice would write a log twice.
 * What may be repeated, and how often, its caller decides. Connecting goes on for ever.
 */
const optionsFor = ({ commandTimeoutMs }: ConnectionOptions) => ({
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: commandTimeoutMs,
  // A peer that fell silent without closing: found by the first command that it doesn't answer.
  socketTimeout: commandTimeoutMs + 1000,
  connectTimeout: 5000,
  keepAlive: 10_000,
  retryStrategy: (times: number) => Math.min(FIRST_RETRY_MS * 2 ** Math.min(times, 10), LAST_RETRY_MS) * (0.75 + Math.random() / 4),
  // What was the primary is a replica now: its name leads to the new one.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
});

export function openConnection(options: ConnectionOptions): Connection {
  const { url } = options;
  const where = withoutPassword(url);
  const address = url.startsWith('unix://') ? url.slice('unix://'.length) : url;
  const closing = new AbortController();
  const open: Redis[] = [];

  const keep = (redis: Redis): Redis => {
    // Commands that fail tell their callers; connections that fail are made again.
    redis.on('error', () => undefined);
    // Each of BullMQ's queues listens.
    redis.setMaxListeners(0);
    open.push(redis);
    // BullMQ makes its blocking connections out of ours. After trouble they block for up to ten seconds, and must be let.
    const duplicate = redis.duplicate.bind(redis);
    redis.duplicate = (override) => keep(duplicate({ ...override, commandTimeout: BLOCKING_MS, socketTimeout: BLOCKING_MS + 1000 }));
    return redis;
  };
  const connect = (purpose: string): Redis => {
    const redis = keep(new Redis(address, { ...optionsFor(options), connectionName: `job-runner:${purpose}` }));
    redis.connect().catch(() => undefined);
    return redis;
  };
  const client = connect('commands');

  const ready = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let lastError = new Error('connection is closed');
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        client.off('ready', onReady).off('error', onError);
        closing.signal.removeEventListener('abort', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onReady = (): void => settle();
      const onError = (error: Error): void => void (lastError = error);
      const onClose = (): void => settle(new StoreError('unavailable', 'the store is closed'));
      const timer = setTimeout(() => settle(lastError), PATIENCE_MS);
      client.on('ready', onReady).on('error', onError);
      closing.signal.addEventListener('abort', onClose);
    });

  const once = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closing.signal.aborted) throw new StoreError('unavailable', 'the store is closed');
    try {
      if (client.status !== 'ready') await ready();
      return await work();
    } catch (error) {
      throw errorInUse(error, where);
    }
  };
  const tried = async <T>(work: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> => {
    for (const until = performance.now() + PATIENCE_MS; ;) {
      try {
        return await once(work);
      } catch (error) {
        if (closing.signal.aborted || !mayRepeat(error) || performance.now() > until) throw error;
        await delay(FIRST_RETRY_MS);
      }
    }
  };

  const insist = async <T>(ms: number, mayPass: (error: unknown) => boolean, work: () => Promise<T>): Promise<T> => {
    for (const until = performance.now() + ms; ;) {
      try {
        return await tried(work, wasNotSent);
      } catch (error) {
        if (closing.signal.aborted || !mayPass(error) || performance.now() >= until) throw error;
        await delay(INSIST_EVERY_MS);
      }
    }
  };

  return {
    client,
    where,
    closing: closing.signal,
    run: (work) => tried(work, wasNotSent),
    repeat: (work) => tried(work, isPassing),
    insist,
    another: connect,
    close() {
      closing.abort();
      for (const redis of open) redis.disconnect();
    },
  };
}

const field = (info: string, name: string): string => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';

const atLeast = (version: string, wanted: readonly [number, number]): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
};

/** Looks at what jobs depend on. Throws a StartError for what would lose them; returns what only might, each with what mends it. */
export async function examine(client: Redis, where: string): Promise<string[]> {
  const info = await client.info();
  const version = field(info, 'redis_version');
  if (!atLeast(version, [7, 0])) {
    throw new StartError(
      `Redis at ${where} is version ${version}; 7.0 or newer is needed.`,
      'start a newer Redis (or Valkey) there, or set REDIS_URL to one',
    );
  }
  const policy = field(info, 'maxmemory_policy');
  if (Number(field(info, 'maxmemory')) > 0 && policy !== 'noeviction') {
    throw new StartError(
      `Redis at ${where} throws jobs away when its memory is full (maxmemory-policy ${policy}).`,
      'redis-cli config set maxmemory-policy noeviction',
    );
  }
  return field(info, 'aof_enabled') === '1'
    ? []
    : [`Redis at ${where} keeps no append-only file: what it has accepted is lost when it dies; redis-cli config set appendonly yes`];
}
