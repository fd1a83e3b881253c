import { plural, count } from '../words.ts';
import type { TableData } from './table-data.ts';

const NUMBER = /^\s*[-+]?(\d[\d_,]*\.?\d*|\.\d+)([eE][-+]?\d+)?%?\s*$|^(nan|inf|-inf)$/i;

export function Table({ table: { columns, rows, total }, name }: { table: TableData; name: string }) {
  const isNumeric = columns.map(
    (_, index) => rows.length > 0 && rows.every((row) => (row[index] ?? '') === '' || NUMBER.test(row[index] ?? '')),
  );
  return (
    <>
      <div class="table-scroller" tabIndex={0} role="region" aria-label={`Table ${name}`}>
        <table class="data">
          <thead>
            <tr>
              {columns.map((column, index) => (
                <th key={index} scope="col" class={isNumeric[index] === true ? 'is-number' : ''}>
                  {column === '' ? <span class="faint">{index === 0 ? 'index' : 'unnamed'}</span> : column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, line) => (
              <tr key={line}>
                {columns.map((_, index) => (
                  <td key={index} class={isNumeric[index] === true ? 'is-number' : ''}>
                    {row[index]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="preview-note">
        {total === rows.length
          ? `${plural(total, 'row')}, ${plural(columns.length, 'column')}`
          : `The first ${count(rows.length)} rows${total === undefined ? '' : ` of ${count(total)}`}, ${plural(columns.length, 'column')}. All of it is in the download.`}
      </p>
    </>
  );
}
