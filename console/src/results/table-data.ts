/** A table's beginning, as it is shown. */
export interface TableData {
  columns: string[];
  rows: string[][];
  /** How many rows there are in all, where that is known. */
  total: number | undefined;
}

export const MAX_ROWS = 1000;
