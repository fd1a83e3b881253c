import { createHash, randomBytes } from 'node:crypto';

/** How a key begins, for people and for programs that look for keys in what is published by mistake. */
const PREFIX = 'jrk_';
const BYTES = 32;
const SHAPE = /^jrk_[A-Za-z0-9_-]{43}$/;
/** Of the hash: enough to name a key by, and nothing to find it from. */
const ID_LENGTH = 12;

export const newSecret = (): string => PREFIX + randomBytes(BYTES).toString('base64url');

export const looksLikeSecret = (text: string): boolean => SHAPE.test(text);

/** What is kept of a key. There are 256 random bits in it, so nothing is to be gained from a slow hash: nobody can try them out. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export const idOf = (hash: string): string => hash.slice(0, ID_LENGTH);
