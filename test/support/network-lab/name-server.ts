import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { PUBLIC, SPECIAL_HOSTS } from './addresses.ts';

/** A name server for a handful of names, some of them hostile. Codec of its own: a mistake of the code under test must not meet its twin here. */

type Record = { type: 'A' | 'AAAA' | 'CNAME' | 'TXT'; data: string };

const TYPES = { A: 1, CNAME: 5, PTR: 12, TXT: 16, AAAA: 28 } as const;
const inner = SPECIAL_HOSTS['private 10/8'];
let rebound = 0;

const ZONE: { [name: string]: (type: number) => Record[] } = {
  'public.example': (type) => (type === TYPES.AAAA ? [{ type: 'AAAA', data: PUBLIC.web6 }] : [{ type: 'A', data: PUBLIC.web }]),
  'four.example': () => [{ type: 'A', data: PUBLIC.web }],
  'other.example': () => [{ type: 'A', data: PUBLIC.other }],
  'a.wild.example': () => [{ type: 'A', data: PUBLIC.other }],
  'wild.example': () => [{ type: 'A', data: PUBLIC.other }],
  'alias.example': () => [
    { type: 'CNAME', data: 'public.example' },
    { type: 'A', data: PUBLIC.web },
  ],
  'inner.example': () => [{ type: 'A', data: inner }],
  'mixed.example': () => [
    { type: 'A', data: PUBLIC.web },
    { type: 'A', data: inner },
  ],
  // First public, then, when it has been found good, private.
  'rebind.example': (type) => (type !== TYPES.A ? [] : [{ type: 'A', data: rebound++ === 0 ? PUBLIC.web : inner }]),
  'mapped.example': (type) => (type === TYPES.AAAA ? [{ type: 'AAAA', data: `0:0:0:0:0:ffff:a63:1` }] : []),
  'nat64.example': (type) => (type === TYPES.AAAA ? [{ type: 'AAAA', data: '64:ff9b:0:0:0:0:a63:1' }] : []),
  'big.example': () => Array.from({ length: 10 }, (_, index) => ({ type: 'TXT', data: String(index).repeat(200) })),
};

const name = (text: string): Buffer =>
  Buffer.concat([...text.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);

function groups(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const of = (part: string): number[] =>
    part
      .split(':')
      .filter((each) => each !== '')
      .map((each) => Number.parseInt(each, 16));
  const left = of(head);
  const right = tail === undefined ? [] : of(tail);
  const all = tail === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

function dataOf({ type, data }: Record): Buffer {
  if (type === 'A') return Buffer.from(data.split('.').map(Number));
  if (type === 'AAAA') return groups(data);
  if (type === 'CNAME') return name(data);
  return Buffer.from([data.length, ...Buffer.from(data)]);
}

/** Over UDP, what is longer than 512 bytes is cut off, and says so. */
export function answerTo(query: Buffer, byTcp: boolean): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const found = ZONE[labels.join('.').toLowerCase()];
  const records = (found?.(type) ?? []).filter((record) => TYPES[record.type] === type || record.type === 'CNAME');
  const alias = records.find((record) => record.type === 'CNAME');
  const bytes = records.map((record) => {
    const data = dataOf(record);
    // After an alias, the records are its target's, whose name is the first record's data.
    const owner = alias === undefined || record === alias ? 12 : at + 5 + 12;
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xc000 | owner, 0);
    head.writeUInt16BE(TYPES[record.type], 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(1, 6);
    head.writeUInt16BE(data.length, 10);
    return Buffer.concat([head, data]);
  });
  const isCut = !byTcp && bytes.reduce((sum, each) => sum + each.length, 0) > 400;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8180 | (isCut ? 0x0200 : 0) | (found === undefined ? 3 : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isCut ? 0 : bytes.length, 6);
  return Buffer.concat([header, question, ...(isCut ? [] : bytes)]);
}

/** A header, a name of one letter, type and class; what is shorter is no question. */
const SHORTEST = 12 + 3 + 4;

export async function startNameServer(address: string): Promise<void> {
  const datagrams = createSocket('udp4');
  datagrams.on('message', (query, from) => {
    if (query.length > SHORTEST) datagrams.send(answerTo(query, false), from.port, from.address);
  });
  await new Promise<void>((resolve) => datagrams.bind(53, address, resolve));
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      if (bytes.length < 2 + SHORTEST) return void socket.destroy();
      const answer = answerTo(bytes.subarray(2), true);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    });
  });
  await new Promise<void>((resolve) => server.listen(53, address, resolve));
}
