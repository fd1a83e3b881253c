import { extname } from 'node:path';
import mime from 'mime-types';

/** What the registry behind mime-types has no entry for, though people's programs write it. A Map: programs also write `x.constructor`. */
const MORE = new Map([
  ['.py', 'text/x-python'],
  ['.ipynb', 'application/x-ipynb+json'],
  ['.parquet', 'application/vnd.apache.parquet'],
  ['.npy', 'application/x-numpy'],
]);

/** A file's type by the ending of its name. */
export function contentType(name: string): string {
  const ending = extname(name).toLowerCase();
  // mime-types takes a name without a dot for an ending: a file called `html` would be a page.
  const known = ending === '' ? false : (MORE.get(ending) ?? mime.lookup(ending));
  return known || 'application/octet-stream';
}
