import { describe, expect, it } from 'vitest';
import type { NewLogEntry } from '../store/store.ts';
import { createLogWriter } from './log-writer.ts';

const collected = (): { entries: NewLogEntry[]; batches: number[]; append: (entries: readonly NewLogEntry[]) => Promise<void> } => {
  const entries: NewLogEntry[] = [];
  const batches: number[] = [];
  return {
    entries,
    batches,
    append: async (batch) => {
      entries.push(...batch);
      batches.push(batch.length);
    },
  };
};

async function written(parts: readonly (string | Buffer)[]): Promise<string[]> {
  const { entries, append } = collected();
  const writer = createLogWriter(append);
  for (const part of parts) await writer.write('stdout', Buffer.from(part));
  entries.push(...(await writer.end()));
  return entries.map((entry) => entry.text);
}

describe('cutting output into lines', () => {
  it('makes one entry of each line, its end included', async () => {
    expect(await written(['a\nb', 'c\n\n', 'last'])).toEqual(['a\n', 'bc\n', '\n', 'last']);
  });

  it('leaves carriage returns, colours and NULs alone', async () => {
    expect(await written(['10%\r20%\r\n\u001b[31mred\u001b[0m\0\n'])).toEqual(['10%\r20%\r\n', '\u001b[31mred\u001b[0m\0\n']);
  });

  it('shows a line that redraws itself while it does, and no other before it is finished', async () => {
    const entries: string[] = [];
    const shown = Promise.withResolvers<void>();
    const writer = createLogWriter(async (batch) => {
      entries.push(...batch.map(({ text }) => text));
      shown.resolve();
    });
    await writer.write('stderr', Buffer.from('no end yet'));
    await writer.write('stdout', Buffer.from('\r10%'));
    await writer.write('stdout', Buffer.from('\r20%'));
    await shown.promise;
    expect(entries).toEqual(['\r10%\r20%']);
    await writer.write('stdout', Buffer.from('\r30%\n'));
    entries.push(...(await writer.end()).map(({ text }) => text));
    expect(entries.toSorted()).toEqual(['\r10%\r20%', '\r30%\n', 'no end yet']);
  });

  it('puts characters together that arrive in pieces, and marks bytes that are none', async () => {
    const euro = Buffer.from('€\n');
    expect(await written([euro.subarray(0, 1), euro.subarray(1, 2), euro.subarray(2), Buffer.from([0xff, 0x0a, 0xe2])])).toEqual([
      '€\n',
      '\ufffd\n',
      '\ufffd',
    ]);
  });

  it('cuts an endless line, but no character in two', async () => {
    const parts = await written(Array.from({ length: 40 }, () => '😀'.repeat(32_768)));
    expect(parts.join('')).toBe('😀'.repeat(32_768 * 40));
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(part.isWellFormed()).toBe(true);
  });

  it('keeps what comes from two streams apart', async () => {
    const { entries, append } = collected();
    const writer = createLogWriter(append);
    await writer.write('stdout', Buffer.from('out'));
    await writer.write('stderr', Buffer.from('err\n'));
    await writer.write('stdout', Buffer.from('put\n'));
    entries.push(...(await writer.end()));
    expect(entries.map(({ stream, text }) => [stream, text])).toEqual([
      ['stderr', 'err\n'],
      ['stdout', 'output\n'],
    ]);
  });
});

describe('writing in batches', () => {
  it('writes the first line at once and a flood in bounded batches, in order', async () => {
    const { entries, batches, append } = collected();
    const writer = createLogWriter(append);
    const lines = Array.from({ length: 25_000 }, (_, i) => `${i}\n`);
    await writer.write('stdout', Buffer.from('first\n'));
    expect(entries.map((entry) => entry.text)).toEqual(['first\n']);
    await writer.write('stdout', Buffer.from(lines.join('')));
    entries.push(...(await writer.end()));
    expect(entries.map((entry) => entry.text)).toEqual(['first\n', ...lines]);
    expect(Math.max(...batches)).toBeLessThanOrEqual(1000);
  });

  it('makes the program wait while a batch is being written', async () => {
    let release = (): void => undefined;
    const writer = createLogWriter(() => new Promise<void>((resolve) => (release = resolve)));
    await writer.write('stdout', Buffer.from('first\n'));
    let done = false;
    const flood = writer.write('stdout', Buffer.from('x\n'.repeat(5000))).then(() => (done = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    const releasing = setInterval(() => release(), 1);
    await flood;
    await writer.end();
    clearInterval(releasing);
    expect(done).toBe(true);
  });

  it('tells the one who writes when a batch could not be written', async () => {
    const writer = createLogWriter(() => Promise.reject(new Error('disk full')));
    await writer.write('stdout', Buffer.from('first\n'));
    await expect(
      (async () => {
        await writer.write('stdout', Buffer.from('second\n'));
        await writer.end();
      })(),
    ).rejects.toThrow('disk full');
  });
});
