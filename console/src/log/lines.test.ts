import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../../src/client/client.ts';
import { htmlOf } from './ansi.ts';
import { afterReturns, Lines, plain } from './lines.ts';
import { createSearch } from './search.ts';

const entry = (seq: number, text: string, type: LogEvent['type'] = 'stdout'): LogEvent => ({
  type,
  seq,
  at: '2026-01-01T00:00:00.000Z',
  text,
});
const shown = (lines: Lines): string[] => lines.all.map(({ text }) => text);

describe('lines of a log', () => {
  it('are its entries without their ends, each once', () => {
    const lines = new Lines();
    lines.append([entry(1, 'a\n'), entry(2, '\n'), entry(2, '\n'), entry(1, 'a\n'), entry(3, 'last')]);
    expect(shown(lines)).toEqual(['a', '', 'last']);
  });

  it('show a progress bar as a terminal does, in one line, while it comes', () => {
    const lines = new Lines();
    lines.append([entry(1, '\r 10%')]);
    expect(shown(lines)).toEqual([' 10%']);
    lines.append([entry(2, '\r 50%\r 60%')]);
    expect(shown(lines)).toEqual([' 60%']);
    lines.append([entry(3, '\r100%\n'), entry(4, 'done\n')]);
    expect(shown(lines)).toEqual(['100%', 'done']);
  });

  it('keep what comes from two streams, and the runner’s words, apart', () => {
    const lines = new Lines();
    lines.append([entry(1, '\r10%', 'stderr'), entry(2, 'out\n'), entry(3, 'unfinished'), entry(4, '[runner] finished\n', 'runner')]);
    expect(lines.all.map(({ stream, text }) => [stream, text])).toEqual([
      ['stderr', '10%'],
      ['stdout', 'out'],
      ['stdout', 'unfinished'],
      ['runner', '[runner] finished'],
    ]);
  });

  it.each([
    ['10%\r20%\r', '20%'],
    ['gone\r', 'gone'],
    ['\u001b[32m10%\r\u001b[32m20%\u001b[0m\r\u001b[K', '\u001b[32m20%\u001b[0m'],
    ['no return', 'no return'],
  ])('end a line of %j as %j', (text, end) => expect(afterReturns(text)).toBe(end));

  it('carry a colour on to the lines after it, until it is switched off', () => {
    const lines = new Lines();
    lines.append([entry(1, '\u001b[31mred\n'), entry(2, 'still\n'), entry(3, 'off\u001b[0m\n'), entry(4, 'plain <b>\n')]);
    expect(lines.all.map(htmlOf)).toEqual([
      '<span class="ansi-red-fg">red</span>',
      '<span class="ansi-red-fg">still</span>',
      '<span class="ansi-red-fg">off</span>',
      undefined,
    ]);
  });

  it('never become anything but text', () => {
    const lines = new Lines();
    lines.append([entry(1, '\u001b[31m<img src=x onerror=alert(1)>\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007\n')]);
    const html = lines.all.map(htmlOf).join('');
    expect(html).toContain('&lt;img');
    expect(html).not.toMatch(/<(?!\/?span)/);
  });

  it('have no escape sequences when they are copied', () => {
    expect(plain('\u001b[1;38;5;208mbold\u001b[0m \u001b]0;title\u0007\u001b[2Kend')).toBe('bold end');
  });
});

describe('searching', () => {
  it('finds lines as they come, and the last one again when it has changed', () => {
    const lines = new Lines();
    const search = createSearch('50%');
    lines.append([entry(1, 'was 50%\n'), entry(2, '\r10%')]);
    search.update(lines.all);
    expect(search.hits).toEqual([0]);
    lines.append([entry(3, '\r50%')]);
    search.update(lines.all);
    expect(search.hits).toEqual([0, 1]);
    lines.append([entry(4, '\r60%\n'), entry(5, 'end 50%\n')]);
    search.update(lines.all);
    expect(search.hits).toEqual([0, 2]);
  });

  it.each([
    ['error', [0, 1]],
    ['Error', [1]],
    ['', []],
  ])('minds capitals only where %j has one', (query, hits) => {
    const lines = new Lines();
    lines.append([entry(1, 'an error\n'), entry(2, '\u001b[31mErr\u001b[0mor\n')]);
    const search = createSearch(query);
    search.update(lines.all);
    expect(search.hits).toEqual(hits);
  });
});
