import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartError } from '../errors.ts';
import { NO_LIMITS } from '../jobs/caller.ts';
import { createKey, revokeKeys } from './edit.ts';
import { openKeys, type Keys } from './keys.ts';
import { hashOf } from './secret.ts';

let dir: string;
let path: string;
let open: Keys[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'job-runner-keys-'));
  path = join(dir, 'keys.json');
  open = [];
});
afterEach(async () => {
  for (const keys of open) await keys.close();
  await rm(dir, { recursive: true, force: true });
});

/** Keys that are looked at often, and a way to wait for what they tell. */
async function watched(defaults = NO_LIMITS): Promise<{ keys: Keys; next: (what: 'loaded' | 'trouble') => Promise<unknown> }> {
  const told = { loaded: Promise.withResolvers<unknown>(), trouble: Promise.withResolvers<unknown>() };
  const tell = (what: keyof typeof told, value: unknown): void => {
    told[what].resolve(value);
    told[what] = Promise.withResolvers();
  };
  const events = { loaded: (count: number) => tell('loaded', count), trouble: (error: unknown) => tell('trouble', error) };
  const keys = await openKeys({ path, defaults, everyMs: 5, events });
  open.push(keys);
  return { keys, next: (what) => told[what].promise };
}

const refusal = async (): Promise<StartError> => {
  const error = await watched().catch((error: unknown) => error);
  if (!(error instanceof StartError)) throw new Error('it was not refused');
  return error;
};

describe('API keys', () => {
  it('are found by what they are, and told by an id that gives nothing away', async () => {
    const { id, secret } = await createKey(path, 'alice', {});
    const { keys } = await watched();
    expect(secret).toMatch(/^jrk_[A-Za-z0-9_-]{43}$/);
    expect(keys.find(secret)).toEqual({ id, caller: { owner: 'alice', limits: NO_LIMITS } });
    expect(keys.byId(id)).toBe(keys.find(secret));
    for (const other of ['', 'alice', id, hashOf(secret), `${secret} `, secret.slice(0, -1), 'jrk_'.padEnd(47, 'A')]) {
      expect(keys.find(other)).toBeUndefined();
    }
  });

  it('are kept as hashes only, in a file that is its owner’s', async () => {
    const { secret } = await createKey(path, 'alice', {});
    expect(await readFile(path, 'utf8')).not.toContain(secret.slice(4));
    expect(await readFile(path, 'utf8')).toContain(hashOf(secret));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('have the limits of their owner’s entry, and the usual ones for the rest; 0 is none', async () => {
    const { secret } = await createKey(path, 'alice', { max_queued: 3, max_running: 0, stored_mb: 2 });
    const { keys } = await watched({ ...NO_LIMITS, maxQueued: 100, maxRunning: 5, jobsPerMinute: 60 });
    expect(keys.find(secret)?.caller.limits).toEqual({
      ...NO_LIMITS,
      maxQueued: 3,
      maxRunning: undefined,
      jobsPerMinute: 60,
      storedBytes: 2 * 1024 ** 2,
    });
  });

  it('change while they are in use: made, revoked one by one, and by owner', async () => {
    const first = await createKey(path, 'alice', {});
    const { keys, next } = await watched();
    let changes = 0;
    keys.onChange(() => (changes += 1));
    let loaded = next('loaded');
    const second = await createKey(path, 'alice', {});
    expect(await loaded).toBe(2);
    expect(keys.find(second.secret)?.caller.owner).toBe('alice');
    loaded = next('loaded');
    expect(await revokeKeys(path, first.id)).toEqual([first.id]);
    expect(await loaded).toBe(1);
    expect([keys.find(first.secret), keys.byId(first.id)]).toEqual([undefined, undefined]);
    expect(keys.find(second.secret)).toBeDefined();
    loaded = next('loaded');
    expect(await revokeKeys(path, 'alice')).toEqual([second.id]);
    expect(await loaded).toBe(0);
    expect(changes).toBe(3);
  });

  it('hold on when the file breaks or goes, which is told, and change when it is whole again', async () => {
    const { secret } = await createKey(path, 'alice', {});
    const whole = await readFile(path, 'utf8');
    const { keys, next } = await watched();
    let trouble = next('trouble');
    await writeFile(path, whole.slice(0, -5));
    expect(String(await trouble)).toContain('is not valid JSON');
    trouble = next('trouble');
    await rename(path, `${path}.away`);
    expect(String(await trouble)).toContain('is not there');
    expect(keys.find(secret)).toBeDefined();
    const loaded = next('loaded');
    await writeFile(path, '{}', { mode: 0o600 });
    expect(await loaded).toBe(0);
    expect(keys.find(secret)).toBeUndefined();
  });

  it.each([
    ['no JSON', '{', /is not valid JSON/],
    ['a list', '[]', /is wrong/],
    ['a name with a space', '{"a b": {"keys": []}}', /a name has 1 to 64/],
    ['a name that is everybody', '{"": {"keys": []}}', /a name has 1 to 64/],
    ['a key that is no hash', '{"a": {"keys": [{"sha256": "jrk_secret"}]}}', /a\.keys\.0\.sha256: must be a SHA-256/],
    ['a field that means nothing', '{"a": {"keys": [], "limit": {}}}', /limit/],
    ['a limit below nothing', '{"a": {"keys": [], "limits": {"max_queued": -1}}}', /max_queued/],
    [
      'one key for two',
      JSON.stringify({ a: { keys: [{ sha256: '0'.repeat(64) }] }, b: { keys: [{ sha256: '0'.repeat(64) }] } }),
      /the key 000000000000 is there twice/,
    ],
  ])('refuse to start from %s', async (_what, text, words) => {
    await writeFile(path, text, { mode: 0o600 });
    const error = await refusal();
    expect(error.message).toMatch(words);
    expect(error.message).toContain(path);
  });

  it('refuse to start from a file that is missing or that others may write to, with the line that mends it', async () => {
    expect((await refusal()).remedy).toBe(`job-runner keys create NAME --file ${path}`);
    await createKey(path, 'alice', {});
    await chmod(path, 0o620);
    expect((await refusal()).remedy).toBe(`chmod go-w ${path}`);
  });

  it('are all there when many are made at once', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, (_, index) => createKey(path, `owner${index % 3}`, {})));
    const { keys } = await watched();
    expect(keys.count()).toBe(8);
    for (const { secret } of made) expect(keys.find(secret)).toBeDefined();
  });

  it('leave the file as it was when a change fails', async () => {
    await writeFile(path, 'by hand, and wrong', { mode: 0o600 });
    await expect(createKey(path, 'alice', {})).rejects.toThrow('is not valid JSON');
    expect(await readFile(path, 'utf8')).toBe('by hand, and wrong');
  });
});
