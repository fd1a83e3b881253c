import { stat } from 'node:fs/promises';
import { setInterval } from 'node:timers/promises';
import type { Caller, Limits } from '../jobs/caller.ts';
import { readKeyFile, type KeyFile } from './key-file.ts';
import { hashOf, idOf } from './secret.ts';

export interface ApiKey {
  /** Names the key without giving it away. */
  id: string;
  caller: Caller;
}

/** The keys that open the service now. */
export interface Keys {
  /** Undefined: there is no such key (any more). */
  find(secret: string): ApiKey | undefined;
  byId(id: string): ApiKey | undefined;
  count(): number;
  /** Calls back when other keys or limits hold. Returns how to stop that. */
  onChange(changed: () => void): () => void;
  close(): Promise<void>;
}

export interface KeysOptions {
  path: string;
  /** For owners whose entry says nothing else. */
  defaults: Limits;
  /** How often the file is looked at. */
  everyMs?: number;
  events: {
    /** Other keys hold now. */
    loaded(count: number): void;
    /** The file is broken; what held before holds on. */
    trouble(error: unknown): void;
  };
}

/** So long a key goes on to work after it was revoked, at most. */
const EVERY_MS = 1000;
const MIB = 1024 ** 2;

const boundOf = (given: number | undefined, usual: number | undefined, unit = 1): number | undefined =>
  given === undefined ? usual : given === 0 ? undefined : given * unit;

function limitsOf(given: NonNullable<KeyFile[string]['limits']>, usual: Limits): Limits {
  return {
    maxQueued: boundOf(given.max_queued, usual.maxQueued),
    maxRunning: boundOf(given.max_running, usual.maxRunning),
    jobsPerMinute: boundOf(given.jobs_per_minute, usual.jobsPerMinute),
    uploadBytesPerMinute: boundOf(given.upload_mb_per_minute, usual.uploadBytesPerMinute, MIB),
    storedBytes: boundOf(given.stored_mb, usual.storedBytes, MIB),
    maxViewers: boundOf(given.max_viewers, usual.maxViewers),
  };
}

interface Loaded {
  /** By the hash of the key: what is compared is the hash of what was sent, so the time it takes tells nothing of any key. */
  byHash: Map<string, ApiKey>;
  byId: Map<string, ApiKey>;
}

async function load(path: string, defaults: Limits): Promise<Loaded> {
  const byHash = new Map<string, ApiKey>();
  for (const [owner, { keys, limits = {} }] of Object.entries(await readKeyFile(path))) {
    const caller: Caller = { owner, limits: limitsOf(limits, defaults) };
    for (const { sha256 } of keys) byHash.set(sha256, { id: idOf(sha256), caller });
  }
  return { byHash, byId: new Map([...byHash.values()].map((key) => [key.id, key])) };
}

/** What changes with every change to the file, its mode included. */
const looksOf = (path: string): Promise<string> =>
  stat(path).then(
    ({ ino, size, mtimeMs, ctimeMs }) => [ino, size, mtimeMs, ctimeMs].join('/'),
    () => 'gone',
  );

/**
 * Reads the keys and reads them again whenever the file changes: all of it holds or none. Throws a StartError when it is broken at first.
 * The file is looked at by its name again and again, for what replaces files (editors, `job-runner keys`, Kubernetes) makes new ones.
 */
export async function openKeys({ path, defaults, everyMs = EVERY_MS, events }: KeysOptions): Promise<Keys> {
  // Before it is read: what changes while it is read is read once more.
  let seen = await looksOf(path);
  let now = await load(path, defaults);
  const listeners = new Set<() => void>();
  const closing = new AbortController();

  const reload = async (): Promise<void> => {
    try {
      now = await load(path, defaults);
      events.loaded(now.byHash.size);
      for (const listener of listeners) listener();
    } catch (error) {
      events.trouble(error);
    }
  };
  const watch = async (): Promise<void> => {
    for await (const _ of setInterval(everyMs, undefined, { signal: closing.signal, ref: false })) {
      const looks = await looksOf(path);
      if (looks === seen) continue;
      seen = looks;
      await reload();
    }
  };
  const watching = watch().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });

  return {
    find: (secret) => now.byHash.get(hashOf(secret)),
    byId: (id) => now.byId.get(id),
    count: () => now.byHash.size,
    onChange(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    async close() {
      closing.abort();
      await watching;
    },
  };
}
