import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTokens, tokenSecretAt } from './tokens.ts';

const grant = { keyId: 'a'.repeat(12), jobId: 'b'.repeat(32), expiresAt: 1000 };

describe('tokens', () => {
  const tokens = createTokens('secret');

  it('say what they were signed for, until their time is over', () => {
    expect(tokens.verify(tokens.sign(grant), 999)).toEqual(grant);
    expect(tokens.verify(tokens.sign(grant), 1000)).toBeUndefined();
  });

  it('are worth nothing when anything in them is changed', () => {
    const token = tokens.sign(grant);
    for (let at = 0; at < token.length - 1; at += 1) {
      const other = token[at] === '1' ? '2' : '1';
      expect(tokens.verify(token.slice(0, at) + other + token.slice(at + 1), 0)).toBeUndefined();
    }
    for (const other of ['', token.slice(0, -1), `${token}=`, `${token}\n`, createTokens('other').sign(grant)]) {
      expect(tokens.verify(other, 0)).toBeUndefined();
    }
  });

  it('are signed with a secret that is made once, and only its owner can read', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'job-runner-tokens-'));
    try {
      const path = join(dir, 'secret');
      const secret = await tokenSecretAt(path);
      expect(await tokenSecretAt(path)).toBe(secret);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      await writeFile(path, '');
      await expect(tokenSecretAt(path)).rejects.toThrow('is no secret of ours');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
