import { describe, expect, it } from 'vitest';
import { contentType } from './content-type.ts';

describe('content types', () => {
  it.each([
    ['plot.png', 'image/png'],
    ['PLOT.PNG', 'image/png'],
    ['folder.csv/table.json', 'application/json'],
    ['main.py', 'text/x-python'],
    ['data.PARQUET', 'application/vnd.apache.parquet'],
    ['archive.tar.gz', 'application/gzip'],
  ])('of %s is %s', (name, type) => {
    expect(contentType(name)).toBe(type);
  });

  it.each(['html', 'folder/html', 'folder.html/file', '.html', 'file.', 'file.unheard-of', 'a b'])('says nothing about %j', (name) => {
    expect(contentType(name)).toBe('application/octet-stream');
  });

  it.each(['x.constructor', 'x.__proto__', 'x.toString', 'x.hasOwnProperty'])('knows no more of %s than its bytes', (name) => {
    expect(contentType(name)).toBe('application/octet-stream');
  });
});
