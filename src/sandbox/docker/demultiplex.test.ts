import { describe, expect, it } from 'vitest';
import { createDemultiplexer } from './demultiplex.ts';

const frame = (stream: number, text: string): Buffer => {
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

describe('the stream of an attached container', () => {
  const whole = Buffer.concat([frame(1, 'out'), frame(2, ''), frame(2, 'err'), frame(1, 'out again')]);

  it.each([1, 2, 3, 7, 8, 9, 1000])('is told apart when it comes in parts of %i bytes', (size) => {
    const parts = createDemultiplexer();
    const texts = ['', '', ''];
    for (let at = 0; at < whole.length; at += size)
      for (const { stream, bytes } of parts(whole.subarray(at, at + size))) texts[stream] += bytes.toString();
    expect(texts).toEqual(['', 'outout again', 'err']);
  });
});
