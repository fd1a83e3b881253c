import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerTo as lab } from '../../../test/support/network-lab/name-server.ts';
import { PUBLIC } from '../../../test/support/network-lab/addresses.ts';
import type { Destination, Network } from '../sandbox.ts';
import { createDecision, rulesFor } from './ranges.ts';
import { createResolver, type Resolved } from './resolver.ts';

const A = 1;
const PTR = 12;

const question = (name: string, type = A, flags = 0x0100, klass = 1): Buffer => {
  const head = Buffer.from([0x12, 0x34, flags >> 8, flags & 255, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.from([0, type >> 8, type & 255, klass >> 8, klass & 255])]);
};

interface Asked {
  code: number | undefined;
  /** How many records the answer has. */
  records: number;
  asked: number;
  permitted: Resolved[];
}

async function ask(
  network: Exclude<Network, 'none'>,
  message: Buffer,
  upstream: (message: Buffer) => Buffer = (each) => lab(each, true),
): Promise<Asked> {
  const permitted: Resolved[] = [];
  let asked = 0;
  const answer = await createResolver({
    network,
    isPermitted: createDecision(rulesFor([], [], [])),
    upstream: async (each) => {
      asked += 1;
      return upstream(each);
    },
    permit: async (resolved) => void permitted.push(...resolved),
  })(message, true);
  return { code: answer === undefined ? undefined : answer.readUInt16BE(2) & 15, records: answer?.readUInt16BE(6) ?? 0, asked, permitted };
}

const allow = (...list: Destination[]): Network & object => ({ allow: list });

describe('a job’s resolver', () => {
  it('hands on what public names stand for', async () => {
    expect(await ask('outbound', question('public.example'))).toEqual({ code: 0, records: 1, asked: 1, permitted: [] });
    expect(await ask('outbound', question('none.example'))).toMatchObject({ code: 3, asked: 1 });
  });

  it('has no answer where an address is none of the outside, in whatever section', async () => {
    expect(await ask('outbound', question('inner.example'))).toMatchObject({ code: 0, records: 0 });
    expect(await ask('outbound', question('mixed.example'))).toMatchObject({ code: 0, records: 0 });
    const additional = (message: Buffer): Buffer => {
      const answer = lab(message, true);
      answer.writeUInt16BE(0, 6);
      answer.writeUInt16BE(1, 10);
      return answer;
    };
    expect(await ask('outbound', question('inner.example'), additional)).toMatchObject({ code: 0, records: 0 });
  });

  it('asks for the names of an allow-list only, and opens what they stand for first', async () => {
    const list = allow(
      { name: 'wild.example', below: true },
      { name: 'four.example', below: false, port: 443 },
      { name: 'four.example', below: false, port: 80 },
    );
    expect(await ask(list, question('FOUR.example'))).toMatchObject({
      records: 1,
      permitted: [{ address: PUBLIC.web, ports: [443, 80] }],
    });
    expect(await ask(list, question('a.wild.example'))).toMatchObject({
      records: 1,
      permitted: [{ address: PUBLIC.other, ports: undefined }],
    });
    for (const name of [
      'wild.example',
      'public.example',
      'x.four.example',
      'example',
      'awild.example',
      'four.example.evil',
      '4.3.2.1.in-addr.arpa',
    ])
      expect(await ask(list, question(name))).toEqual({ code: 3, records: 0, asked: 0, permitted: [] });
    // One label with a dot inside is not two.
    const trick = Buffer.concat([question('x').subarray(0, 12), Buffer.from('\x0ea.wild.example\x00\x00\x01\x00\x01', 'latin1')]);
    expect(await ask(list, trick)).toMatchObject({ asked: 0 });
  });

  it('opens nothing by a name that stands for an inner address', async () => {
    expect(await ask(allow({ name: 'mixed.example', below: false }), question('mixed.example'))).toMatchObject({
      records: 0,
      permitted: [],
    });
  });

  it('tells no names of inner machines', async () => {
    expect(await ask('outbound', question('1.0.0.10.in-addr.arpa', PTR))).toMatchObject({ code: 3, asked: 0 });
    expect(await ask('outbound', question('10.in-addr.arpa', PTR))).toMatchObject({ code: 3, asked: 0 });
    expect(await ask('outbound', question(`${'1.0.0.0.'.repeat(7)}0.0.d.f.ip6.arpa`, PTR))).toMatchObject({ code: 3, asked: 0 });
    expect(await ask('outbound', question('4.3.2.1.in-addr.arpa', PTR))).toMatchObject({ asked: 1 });
  });

  it('does not do zone transfers, updates, or other classes, and answers no answers', async () => {
    expect(await ask('outbound', question('public.example', 252))).toMatchObject({ code: 5, asked: 0 });
    expect(await ask('outbound', question('public.example', 255))).toMatchObject({ code: 5, asked: 0 });
    expect(await ask('outbound', question('version.bind', 16, 0x0100, 3))).toMatchObject({ code: 5, asked: 0 });
    expect(await ask('outbound', question('public.example', 6, 0x2800))).toMatchObject({ code: 4, asked: 0 });
    expect(await ask('outbound', question('public.example', A, 0x8180))).toMatchObject({ code: undefined, asked: 0 });
  });

  it('takes no answer to another question, and none that is broken', async () => {
    const answer = lab(question('public.example'), true);
    for (const other of [
      lab(question('four.example'), true),
      answer.subarray(0, answer.length - 1),
      question('public.example'),
      Buffer.alloc(0),
    ])
      expect(await ask('outbound', question('public.example'), () => other)).toMatchObject({ code: 2, records: 0 });
  });

  it('stands any question and any answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), fc.nat(40), async (noise, more, at) => {
        await ask('outbound', Buffer.from(noise));
        const bent = Buffer.concat([lab(question('alias.example'), true), Buffer.from(more)]);
        Buffer.from(noise).copy(bent, at + 20);
        const { code } = await ask('outbound', question('alias.example'), () => bent);
        expect(code).toBeDefined();
      }),
    );
  });
});
