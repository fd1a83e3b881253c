import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { errnoOf, StartError } from '../errors.ts';

/** What a token stands for. */
export interface Grant {
  /** The id of the key that it was asked for with: it ends with its key. */
  keyId: string;
  jobId: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Short-lived tokens for what can't send a header: `EventSource`, links, images. Signed, and kept nowhere. */
export interface Tokens {
  sign(grant: Grant): string;
  /** Undefined when it is none of ours, or its time is over. */
  verify(token: string, now: number): Grant | undefined;
}

const SHAPE = /^([0-9a-f]{12})\.([0-9a-f]{32})\.(\d{1,15})\.([A-Za-z0-9_-]{43})$/;
const SECRET_BYTES = 32;
const SECRET = /^[0-9a-f]{64}$/;

export function createTokens(secret: string): Tokens {
  const signatureOf = (text: string): Buffer => createHmac('sha256', secret).update(text).digest();
  return {
    sign({ keyId, jobId, expiresAt }) {
      const text = `${keyId}.${jobId}.${expiresAt}`;
      return `${text}.${signatureOf(text).toString('base64url')}`;
    },
    verify(token, now) {
      const [, keyId, jobId, expiry, signature] = SHAPE.exec(token) ?? [];
      if (keyId === undefined || jobId === undefined || expiry === undefined || signature === undefined) return undefined;
      const given = Buffer.from(signature, 'base64url');
      const right = signatureOf(`${keyId}.${jobId}.${expiry}`);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
      const expiresAt = Number(expiry);
      return expiresAt > now ? { keyId, jobId, expiresAt } : undefined;
    },
  };
}

/** The secret that tokens of this data folder are signed with, made at its first use: tokens outlive a restart, as streams do. */
export async function tokenSecretAt(path: string): Promise<string> {
  try {
    await writeFile(path, randomBytes(SECRET_BYTES).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw new StartError(`${path} can't be written.`, 'let this user write to its folder', error);
  }
  const secret = await readFile(path, 'utf8');
  if (!SECRET.test(secret)) throw new StartError(`${path} is no secret of ours.`, `remove it: rm ${path}`);
  return secret;
}
