/** What commands print: results on stdout (text or JSON), remarks on stderr. */
import { formatDuration } from '../platform/duration.ts';

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

/** For people, not for pipes. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Columns padded to their widest cell; the last one is left as it is. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const format = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(format).join('\n');
}

/** `2026-01-31 12:00:05.123Z`: sortable and short. */
export function formatInstant(at: number): string {
  return new Date(at).toISOString().replace('T', ' ');
}

/** `+1m` from one instant to another. */
export function formatOffset(from: number, at: number): string {
  return `+${formatDuration(Math.max(0, at - from))}`;
}

/** Without control characters, so that a log line or payload cannot move the cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) =>
    char === '\r' ? '' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
