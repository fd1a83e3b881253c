import { gunzipSync } from 'fflate';
import { decompress as unzstd } from 'fzstd';
import { parquetMetadataAsync, parquetReadObjects, parquetSchema, snappyUncompress, type Compressors } from 'hyparquet';
import { MAX_ROWS, type TableData } from './table-data.ts';

/** None of them compiles WebAssembly, which the page's policy forbids. */
const compressors: Compressors = {
  SNAPPY: (input, length) => {
    const output = new Uint8Array(length);
    snappyUncompress(input, output);
    return output;
  },
  GZIP: (input) => gunzipSync(input),
  ZSTD: (input) => unzstd(input),
};

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? Number(each) : each));
  return typeof value === 'bigint' ? value.toString() : typeof value === 'string' ? value : JSON.stringify(value);
}

/** Reads the first rows of a Parquet file, and no more of it than they need. */
export async function readParquet(byteLength: number, slice: (from: number, to: number) => Promise<ArrayBuffer>): Promise<TableData> {
  const file = { byteLength, slice: (from: number, to = byteLength) => slice(from, to) };
  const metadata = await parquetMetadataAsync(file);
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  const rows = await parquetReadObjects({
    file,
    metadata,
    compressors,
    rowStart: 0,
    rowEnd: Math.min(MAX_ROWS, Number(metadata.num_rows)),
  });
  return { columns, rows: rows.map((row) => columns.map((name) => cell(row[name]))), total: Number(metadata.num_rows) };
}
