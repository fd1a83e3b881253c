import type { Artifact } from '../../../src/client/client.ts';

export type Kind = 'image' | 'csv' | 'parquet' | 'json' | 'html' | 'text' | 'other';

const MIB = 1024 ** 2;

/** What is fetched of a file to be looked at; of CSV and text that is the beginning, of Parquet whatever its rows need. */
export const SHOWN_BYTES: Record<Kind, number> = {
  image: 32 * MIB,
  csv: 2 * MIB,
  parquet: Infinity,
  json: 4 * MIB,
  html: 16 * MIB,
  text: MIB / 2,
  other: 0,
};

export function kindOf({ name, content_type: type }: Artifact): Kind {
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  // A browser shows SVG as an image without running anything in it.
  if (/^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/.test(type)) return 'image';
  if (/^(csv|tsv)$/.test(ending) || type === 'text/csv') return 'csv';
  if (/^(parquet|pq)$/.test(ending)) return 'parquet';
  if (/^(json|geojson|ipynb)$/.test(ending) || type === 'application/json') return 'json';
  if (type === 'text/html') return 'html';
  if (type.startsWith('text/') || /^(log|md|ya?ml|toml|ini|xml|py|jsonl|ndjson)$/.test(ending)) return 'text';
  return 'other';
}

/** Small enough to be shown as a whole, or of a kind whose beginning says something. */
export const canShow = (artifact: Artifact): boolean => {
  const kind = kindOf(artifact);
  return kind !== 'other' && (kind === 'csv' || kind === 'text' || artifact.size <= SHOWN_BYTES[kind]);
};
