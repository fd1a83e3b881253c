import { isUtf8 } from 'node:buffer';

/** Where some program ends a line or starts to obey: C0, DEL, C1, and Unicode's line and paragraph separators. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Why a name that a program gave to a file can't be the name of an artifact; undefined when it can. */
export function problemOfName(name: Buffer): string | undefined {
  if (!isUtf8(name)) return 'its name is not valid UTF-8';
  if (CONTROL.test(name.toString())) return 'its name contains a control character';
  return undefined;
}

/** Any bytes as one line of text. A name that is no trouble is itself; in others what can't be shown is escaped, and backslashes with it. */
export function printableName(name: Buffer): string {
  if (problemOfName(name) === undefined) return name.toString();
  if (!isUtf8(name)) return name.toString('latin1').replace(/[^ -[\]-~]/g, (byte) => `\\x${hex(byte, 2)}`);
  return name.toString().replace(/[\p{Cc}\p{Zl}\p{Zp}\\]/gu, (character) => `\\u${hex(character, 4)}`);
}

const hex = (character: string, digits: number): string => character.charCodeAt(0).toString(16).padStart(digits, '0');
