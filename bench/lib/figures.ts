/** Medians and the table that is printed. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** One line of the table: a figure, and what it is held against in the same run. */
export interface Row {
  readonly what: string;
  readonly value: string;
  readonly against?: string;
  readonly ratio?: string;
  readonly rounds?: string;
}

export const count = (value: number) => Math.round(value).toLocaleString('en-US');
export const perSecond = (value: number) => `${count(value)}/s`;
export const ms = (value: number) => `${value.toFixed(2)} ms`;
export const micros = (value: number) => `${Math.round(value)} µs`;
export const ratio = (value: number) => `${value.toFixed(2)}×`;
export const spread = (values: readonly number[]) =>
  `${values.length}: ${count(Math.min(...values))}–${count(Math.max(...values))}`;

export function printTable(rows: readonly Row[]): void {
  const cells = [
    ['measure', 'Redrive', 'against', 'ratio', 'rounds (min–max)'],
    ...rows.map((row) => [row.what, row.value, row.against ?? '', row.ratio ?? '', row.rounds ?? '']),
  ];
  const widths = (cells[0] as string[]).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] as string).length)),
  );
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const [head, ...body] = cells as [string[], ...string[][]];
  console.log(line(head));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of body) console.log(line(row));
}
