/** Which paths may name a file of a job. Backslashes, dots inside names and spaces are ordinary characters. */

const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 2048;
const MAX_SEGMENTS = 64;

/** What is wrong with a relative path, in words for the client; undefined when nothing is. */
export function problemOfPath(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.includes('\0')) return 'contains a NUL character';
  // Whoever decoded the bytes has put U+FFFD where they made no sense: two such names could be one and the same here.
  if (!path.isWellFormed() || path.includes('\ufffd')) return 'is not valid UTF-8';
  if (path.startsWith('/')) return 'is an absolute path';
  const segments = path.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return 'has an empty, "." or ".." part';
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES))
    return `has a part longer than ${MAX_SEGMENT_BYTES} bytes`;
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`;
  if (segments.length > MAX_SEGMENTS) return `has more than ${MAX_SEGMENTS} parts`;
  return undefined;
}

const JOB_ID = /^[0-9a-f]{32}$/;
export const isJobId = (id: string): boolean => JOB_ID.test(id);
