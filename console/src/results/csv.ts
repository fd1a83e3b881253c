import Papa from 'papaparse';
import { MAX_ROWS, type TableData } from './table-data.ts';

/** Reads CSV, its separator found out by itself. Of a text that was cut off the last row is left out: it may be half a row. */
export function readCsv(text: string, isWhole: boolean): TableData {
  const { data } = Papa.parse<string[]>(text, { skipEmptyLines: true });
  const [columns = [], ...rows] = isWhole ? data : data.slice(0, -1);
  return { columns, rows: rows.slice(0, MAX_ROWS), total: isWhole ? rows.length : undefined };
}
