import mime from 'mime-types';

/** What the registry behind mime-types has no entry for, though people's programs write it. */
const MORE: Record<string, string> = {
  py: 'text/x-python',
  ipynb: 'application/x-ipynb+json',
  parquet: 'application/vnd.apache.parquet',
  npy: 'application/x-numpy',
};

/** A file's type by the ending of its name. */
export function contentType(name: string): string {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return MORE[ending] ?? (mime.lookup(name) || 'application/octet-stream');
}
