import { describe, expect, it } from 'vitest';
import { text } from '../contract/runs.contract.ts';
import type { LeftOut } from '../sandbox.ts';
import { collectFrames } from './collect.ts';
import { createFrameReader, encodeFrame, REPORT, type Frame } from './frames.ts';

const PART = 65_536;
const BOUNDS = { maxFiles: 3, maxDepth: 8, maxBytes: 100, maxMs: 1000 };

const file = (name: string | Buffer, content: string, size = content.length): Buffer => {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(size));
  const opened = encodeFrame(REPORT.file, Buffer.concat([head, Buffer.from(name)]));
  return content === '' ? opened : Buffer.concat([opened, encodeFrame(REPORT.data, content)]);
};
const END = encodeFrame(REPORT.end, { beyond: 0, timeIsUp: false });

async function* framesOf(bytes: Buffer): AsyncGenerator<Frame> {
  yield* createFrameReader()(bytes);
}

async function collected(...sent: Buffer[]): Promise<{ files: Record<string, string>; leftOut: LeftOut[] }> {
  const leftOut: LeftOut[] = [];
  const files: Record<string, string> = {};
  for await (const each of collectFrames(framesOf(Buffer.concat(sent)), BOUNDS, (what) => leftOut.push(what)))
    files[each.name] = await text(each.open());
  return { files, leftOut };
}

describe('files out of a container', () => {
  it('are handed out one after the other, and what is not read is passed over', async () => {
    const names: string[] = [];
    for await (const { name } of collectFrames(
      framesOf(Buffer.concat([file('a', 'A'), file('b', ''), file('c', 'C'), END])),
      BOUNDS,
      () => undefined,
    ))
      names.push(name);
    expect(names).toEqual(['a', 'b', 'c']);
    expect((await collected(file('a', 'A'), file('d/b', 'BB'), END)).files).toEqual({ a: 'A', 'd/b': 'BB' });
  });

  it.each([
    ['small', 'small'],
    ['large', 'large'.repeat(1_000_000)],
  ])('can be read again from the beginning: %s ones', async (_, content) => {
    const parts = Array.from({ length: Math.ceil(content.length / PART) }, (__, index) => content.slice(index * PART, (index + 1) * PART));
    const data = parts.map((part) => encodeFrame(REPORT.data, part));
    const sent = Buffer.concat([file('a', '', content.length), ...data, file('b', 'B'), END]);
    const read: string[] = [];
    for await (const { open } of collectFrames(framesOf(sent), { ...BOUNDS, maxBytes: 2 * content.length }, () => undefined)) {
      const given = open();
      for await (const part of given) {
        read.push(String(part).slice(0, 1));
        break;
      }
      read.push(await text(open()), await text(open()));
    }
    expect(read).toEqual([content.slice(0, 1), content, content, 'B', 'B', 'B']);
  });

  it('that can’t be held on this machine are left out, and the next ones are not', async () => {
    const content = 'x'.repeat(2_000_000);
    const data = Array.from({ length: 20 }, () => encodeFrame(REPORT.data, content.slice(0, 100_000)));
    const sent = Buffer.concat([file('large', '', content.length), ...data, file('b', 'B'), END]);
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = '/nonexistent';
    const leftOut: LeftOut[] = [];
    const names: string[] = [];
    try {
      for await (const { name } of collectFrames(framesOf(sent), { ...BOUNDS, maxBytes: 3_000_000 }, (what) => leftOut.push(what)))
        names.push(name);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
    expect([names, leftOut]).toEqual([['b'], [{ name: 'large', reason: "can't be kept (ENOENT)" }]]);
  });

  it.each(['../a', '/etc/passwd', 'a/../b', 'a//b', '', 'line\nbreak', Buffer.from([0x66, 0xff])])(
    'are left out when named %j',
    async (name) => {
      const { files, leftOut } = await collected(file(name, 'content'), file('good', 'good'), END);
      expect(files).toEqual({ good: 'good' });
      expect(leftOut).toHaveLength(1);
    },
  );

  it.each([
    ['more files than were asked for', [file('a', ''), file('b', ''), file('c', ''), file('d', ''), END]],
    ['more bytes than were asked for', [file('a', 'x'.repeat(101)), END]],
    ['more of a file than it said', [file('a', 'xyz', 2), END]],
    ['less of a file than it said', [file('a', 'x', 2), END]],
    ['no end', [file('a', 'x')]],
    ['what is no file', [encodeFrame(REPORT.stdout, 'x'), END]],
  ])('are an error of ours when there comes %s', async (_, sent) => {
    await expect(collected(...sent)).rejects.toThrow(/a file came short|more than it was asked for|without an end|among files/);
  });

  it('tells what was left out, and why', async () => {
    const { leftOut } = await collected(
      encodeFrame(REPORT.leftOut, 'link\0is a symbolic link'),
      encodeFrame(REPORT.end, { beyond: 2, timeIsUp: true }),
    );
    expect(leftOut).toEqual([
      { name: 'link', reason: 'is a symbolic link' },
      { name: 'everything else', reason: 'collecting took longer than 1000 ms' },
      { name: '2 more files', reason: 'no more than 3 are kept' },
    ]);
  });
});
