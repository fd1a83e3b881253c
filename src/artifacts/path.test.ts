import { join, normalize } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJobId, problemOfPath } from './path.ts';

describe('paths of a job’s files', () => {
  it.each([
    'main.py',
    'pkg/mod.py',
    'a/b/c/d',
    'a\\b',
    '..a/b..',
    '...',
    '.hidden',
    ' ',
    '-rf',
    'line\nbreak',
    'é日🙂',
    '%2e%2e/x',
    'C:\\x',
    'n'.repeat(255),
    'é'.repeat(127),
  ])('may be %j', (path) => {
    expect(problemOfPath(path)).toBeUndefined();
  });

  it.each([
    ['', 'is empty'],
    ['a\0b', 'contains a NUL character'],
    ['\0', 'contains a NUL character'],
    ['a\ufffd', 'is not valid UTF-8'],
    ['a\ud800', 'is not valid UTF-8'],
    ['/', 'is an absolute path'],
    ['/etc/passwd', 'is an absolute path'],
    ['//a', 'is an absolute path'],
    ['.', 'has an empty, "." or ".." part'],
    ['..', 'has an empty, "." or ".." part'],
    ['a/', 'has an empty, "." or ".." part'],
    ['a//b', 'has an empty, "." or ".." part'],
    ['a/./b', 'has an empty, "." or ".." part'],
    ['a/../b', 'has an empty, "." or ".." part'],
    ['../a', 'has an empty, "." or ".." part'],
    ['n'.repeat(256), 'has a part longer than 255 bytes'],
    ['é'.repeat(128), 'has a part longer than 255 bytes'],
  ])('may not be %j', (path, problem) => {
    expect(problemOfPath(path)).toBe(problem);
  });

  it('may have 2048 bytes and no more', () => {
    const path = Array.from({ length: 16 }, () => 'n'.repeat(127)).join('/');
    expect(problemOfPath(`${path}n`)).toBeUndefined();
    expect(problemOfPath(`${path}nn`)).toBe('is longer than 2048 bytes');
  });

  it('may have 64 parts and no more', () => {
    const path = Array.from({ length: 64 }, () => 'a').join('/');
    expect(problemOfPath(path)).toBeUndefined();
    expect(problemOfPath(`${path}/a`)).toBe('has more than 64 parts');
  });

  it('stay below their folder and mean just one place there, whatever is accepted', () => {
    const part = fc.oneof(fc.constantFrom('', '.', '..', '...', '\\', '\0', 'a', '~', '%2e'), fc.string({ unit: 'binary', maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const path = parts.join('/');
        fc.pre(problemOfPath(path) === undefined);
        expect(join('/jobs/one', path)).toBe(`/jobs/one/${path}`);
        expect(normalize(path)).toBe(path);
        expect(Buffer.from(path).toString()).toBe(path);
      }),
    );
  });
});

describe('job ids', () => {
  it('are 32 lower-case hexadecimal digits', () => {
    expect(isJobId('0123456789abcdef0123456789abcdef')).toBe(true);
    for (const id of ['', '0'.repeat(31), '0'.repeat(33), 'A'.repeat(32), `${'0'.repeat(31)}g`, `${'0'.repeat(32)}\n`, '../'.repeat(10)]) {
      expect(isJobId(id)).toBe(false);
    }
  });
});
