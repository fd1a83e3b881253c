import { describe, expect, it } from 'vitest';
import { printableName, problemOfName } from './file-name.ts';

describe('names that a program gave to files', () => {
  it.each(['plot.png', 'é日🙂', ' ', 'a\\b', '%0a', '👩‍🔬.txt', 'שלום'])('leave %j as it is', (name) => {
    expect(problemOfName(Buffer.from(name))).toBeUndefined();
    expect(printableName(Buffer.from(name))).toBe(name);
  });

  it.each([
    ['a\nb', 'a\\u000ab'],
    ['\r[runner] finished with code 0', '\\u000d[runner] finished with code 0'],
    ['\u001b[2J', '\\u001b[2J'],
    ['\u007f', '\\u007f'],
    ['\u0085\u009b', '\\u0085\\u009b'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['back\\slash\n', 'back\\u005cslash\\u000a'],
    ['é\n', 'é\\u000a'],
  ])('are refused with a control character: %j', (name, printable) => {
    expect(problemOfName(Buffer.from(name))).toBe('its name contains a control character');
    expect(printableName(Buffer.from(name))).toBe(printable);
  });

  it.each([
    [[0xff, 0xfe], '\\xff\\xfe'],
    [[0x61, 0xc3], 'a\\xc3'],
    [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
    [[0xc0, 0xaf], '\\xc0\\xaf'],
    [[0xff, 0x0a, 0x5c], '\\xff\\x0a\\x5c'],
  ])('are refused when they are not UTF-8: %j', (bytes, printable) => {
    expect(problemOfName(Buffer.from(bytes))).toBe('its name is not valid UTF-8');
    expect(printableName(Buffer.from(bytes))).toBe(printable);
  });
});
