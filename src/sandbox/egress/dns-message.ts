import { isIPv4 } from 'node:net';

/** As much of DNS (RFC 1035 §4.1) as it takes to judge questions and answers; both are a stranger's. Readers return undefined for what is malformed. */

export interface Question {
  id: number;
  /** Opcode 0. */
  isQuery: boolean;
  labels: string[];
  type: number;
  class: number;
  /** Where the question section ends. */
  end: number;
}

export const TYPE = { A: 1, PTR: 12, AAAA: 28, IXFR: 251, AXFR: 252, ANY: 255 } as const;
export const CLASS_IN = 1;
export const CODE = { ok: 0, malformed: 1, serverFailed: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;

/** The one question of a message. Names in questions are never compressed. */
export function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER_BYTES || (message.readUInt16BE(2) & RESPONSE) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at - HEADER_BYTES > MAX_NAME_BYTES) return undefined;
    at += 1;
    if (length === 0) break;
    if (at + length > message.length) return undefined;
    labels.push(message.toString('latin1', at, at + length).toLowerCase());
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return {
    id: message.readUInt16BE(0),
    isQuery: (message.readUInt16BE(2) & 0x7800) === 0,
    labels,
    type: message.readUInt16BE(at),
    class: message.readUInt16BE(at + 2),
    end: at + 4,
  };
}

/** An answer of our own, without records. */
export function answerTo(message: Buffer, question: Question, code: number): Buffer {
  const answer = Buffer.alloc(question.end);
  message.copy(answer, 0, 0, question.end);
  answer.writeUInt16BE(RESPONSE | (message.readUInt16BE(2) & (0x7800 | RECURSION_DESIRED)) | RECURSION_AVAILABLE | code, 2);
  answer.writeUInt16BE(1, 4);
  answer.fill(0, 6, HEADER_BYTES);
  return answer;
}

/** Whether a message is an answer to this very question. */
export function answers(answer: Buffer, message: Buffer, { end }: Question): boolean {
  return (
    answer.length >= end &&
    (answer.readUInt16BE(2) & RESPONSE) !== 0 &&
    answer.readUInt16BE(4) === 1 &&
    answer.toString('latin1', HEADER_BYTES, end).toLowerCase() === message.toString('latin1', HEADER_BYTES, end).toLowerCase()
  );
}

export interface AddressRecord {
  address: string;
  ttlSec: number;
  /** In the answer itself, not in what was added to it. */
  isAnswer: boolean;
}

/** All addresses that an answer tells, in any of its sections. */
export function readAddresses(message: Buffer, { end }: Question): AddressRecord[] | undefined {
  const answerCount = message.readUInt16BE(6);
  const count = answerCount + message.readUInt16BE(8) + message.readUInt16BE(10);
  const found: AddressRecord[] = [];
  let at: number | undefined = end;
  for (let index = 0; index < count; index++) {
    at = afterName(message, at);
    if (at === undefined || at + 10 > message.length) return undefined;
    const [type, rrClass, ttlSec, length] = [
      message.readUInt16BE(at),
      message.readUInt16BE(at + 2),
      message.readUInt32BE(at + 4),
      message.readUInt16BE(at + 8),
    ];
    const data = at + 10;
    at = data + length;
    if (at > message.length) return undefined;
    const isAnswer = index < answerCount;
    if (rrClass !== CLASS_IN) continue;
    if (type === TYPE.A) {
      if (length !== 4) return undefined;
      found.push({ address: message.subarray(data, at).join('.'), ttlSec, isAnswer });
    } else if (type === TYPE.AAAA) {
      if (length !== 16) return undefined;
      found.push({ address: ipv6(message.subarray(data, at)), ttlSec, isAnswer });
    }
  }
  return found;
}

function afterName(message: Buffer, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    // A pointer is the last of a name (§4.1.4).
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += 1 + length;
  }
}

const ipv6 = (bytes: Buffer): string => Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');

/** The address that a name of the reverse trees stands for; undefined when it is no whole address. */
export function reverseAddress(labels: readonly string[]): string | undefined {
  const tree = labels.slice(-2).join('.');
  const digits = labels.slice(0, -2).toReversed();
  if (tree === 'in-addr.arpa') {
    const address = digits.join('.');
    return isIPv4(address) ? address : undefined;
  }
  if (tree !== 'ip6.arpa' || digits.length !== 32 || !digits.every((digit) => /^[0-9a-f]$/.test(digit))) return undefined;
  return digits.join('').match(/.{4}/g)?.join(':');
}
