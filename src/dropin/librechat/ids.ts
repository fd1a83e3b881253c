import { createHash } from 'node:crypto';
import { isJobId } from '../../artifacts/path.ts';

/**
 * LibreChat passes on only ids of 21 characters of [A-Za-z0-9_-], which make 126 bits. A job's id is a UUID of version 7: without the
 * digits that say so it has 122. So a session's id is its job's id in other words, and nothing needs to remember which.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LENGTH = 21;
const UUID_V7 = /^([0-9a-f]{12})7([0-9a-f]{3})([89ab])([0-9a-f]{15})$/;
const SESSION_ID = /^[A-Za-z0-9_-]{21}$/;

/** @throws Error for an id that is no UUID of version 7 */
export function sessionIdOf(jobId: string): string {
  const match = UUID_V7.exec(jobId);
  if (match === null) throw new Error(`not a job id of ours: ${jobId}`);
  const [, time, a, variant, b] = match;
  let bits = (BigInt(`0x${time}${a}`) << 62n) | (BigInt(Number.parseInt(variant ?? '', 16) - 8) << 60n) | BigInt(`0x${b}`);
  let id = '';
  for (let at = 0; at < LENGTH; at += 1, bits >>= 6n) id = ALPHABET.charAt(Number(bits & 63n)) + id;
  return id;
}

/** Undefined for what no job can have. */
export function jobIdOf(sessionId: string): string | undefined {
  if (!SESSION_ID.test(sessionId)) return undefined;
  let bits = 0n;
  for (const character of sessionId) bits = (bits << 6n) | BigInt(ALPHABET.indexOf(character));
  const head = (bits >> 62n).toString(16).padStart(15, '0');
  const variant = (Number((bits >> 60n) & 3n) + 8).toString(16);
  const tail = (bits & ((1n << 60n) - 1n)).toString(16).padStart(15, '0');
  const jobId = `${head.slice(0, 12)}7${head.slice(12)}${variant}${tail}`;
  return isJobId(jobId) ? jobId : undefined;
}

/** A file's id within its session. */
export const fileIdOf = (name: string): string => createHash('sha256').update(name).digest('base64url').slice(0, LENGTH);
