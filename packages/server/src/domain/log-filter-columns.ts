/**
 * The space-delimited form of a filter pattern: `[ip, user, ..., status = 4*, bytes > 1000]`.
 * Text in [] or "" is one field. Without `...` the line must have exactly as many fields as the pattern.
 */
import { type Compare, compareValue, type Operand, type Scanner } from './log-filter-values.ts';

type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'compare'; readonly compare: Compare; readonly operand: Operand };

type Column =
  | { readonly kind: 'rest' }
  | { readonly kind: 'field'; readonly name?: string; readonly condition?: Condition };

export type Columns = readonly Column[];

const BARE = /(?:(?!&&|\|\|)[^\s,\]"%])+/y;
const NAME = /[\p{L}\p{N}_-]+/uy;

/** Reads the inside of the brackets, up to and including the closing one. */
export function parseColumns(scanner: Scanner): Columns {
  const columns: Column[] = [];
  for (;;) {
    scanner.space();
    columns.push(parseColumn(scanner));
    scanner.space();
    if (scanner.take(']')) break;
    if (!scanner.take(',')) scanner.fail("',' or ']'");
  }
  if (columns.filter((column) => column.kind === 'rest').length > 1) scanner.fail("at most one '...'");
  return columns;
}

function parseColumn(scanner: Scanner): Column {
  if (scanner.take('...') || scanner.take('…')) return { kind: 'rest' };
  const name = scanner.match(NAME);
  scanner.space();
  if (name === undefined) return { kind: 'field' };
  const compare = scanner.compare();
  if (!compare) return { kind: 'field', name };
  return { kind: 'field', name, condition: parseCondition(scanner, name, compare) };
}

function parseCondition(scanner: Scanner, name: string, first: Compare): Condition {
  const any: Condition[] = [];
  let all: Condition[] = [];
  let compare = first;
  for (;;) {
    scanner.space();
    all.push({ kind: 'compare', compare, operand: scanner.operand(BARE) });
    scanner.space();
    const or = scanner.take('||');
    if (!or && !scanner.take('&&')) break;
    if (or) {
      any.push({ kind: 'and', parts: all });
      all = [];
    }
    scanner.space();
    const again = scanner.match(NAME);
    if (again !== name) scanner.fail(`a further condition on '${name}'`);
    scanner.space();
    compare = scanner.compare() ?? scanner.fail('a comparison');
  }
  any.push({ kind: 'and', parts: all });
  return { kind: 'or', parts: any };
}

/** The fields of a line, brackets and quotes taken off. Linear in the line. */
function splitFields(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  // A closer that was searched for in vain once is not there further on either.
  const missing: Record<string, boolean> = {};
  while (at < line.length) {
    const char = line.charCodeAt(at);
    if (char === 32 || (char >= 9 && char <= 13)) {
      at++;
      continue;
    }
    const closer = char === 34 ? '"' : char === 91 ? ']' : undefined;
    if (closer !== undefined && !missing[closer]) {
      const end = line.indexOf(closer, at + 1);
      if (end !== -1) {
        fields.push(line.slice(at + 1, end));
        at = end + 1;
        continue;
      }
      missing[closer] = true;
    }
    let end = at;
    while (end < line.length && !isSpace(line.charCodeAt(end))) end++;
    fields.push(line.slice(at, end));
    at = end;
  }
  return fields;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function holds(condition: Condition, field: string): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.parts.every((part) => holds(part, field));
    case 'or':
      return condition.parts.some((part) => holds(part, field));
    case 'compare':
      return compareValue(field, condition.compare, condition.operand);
  }
}

/** Which field each column means; undefined when the counts do not fit. */
function align(columns: Columns, count: number): number[] | undefined {
  const rest = columns.findIndex((column) => column.kind === 'rest');
  const named = rest === -1 ? columns.length : columns.length - 1;
  if (rest === -1 ? count !== named : count < named) return undefined;
  return columns.map((_, index) =>
    rest === -1 || index < rest ? index : index === rest ? -1 : count - (columns.length - index),
  );
}

export function matchColumns(columns: Columns, line: string): boolean {
  const fields = splitFields(line);
  const places = align(columns, fields.length);
  if (!places) return false;
  return columns.every(
    (column, index) =>
      column.kind === 'rest' ||
      !column.condition ||
      holds(column.condition, fields[places[index] as number] as string),
  );
}

/** `$name` for named columns, `$1`, `$2`… for the others: what TestMetricFilter shows. */
export function extractColumns(columns: Columns, line: string): Record<string, string> {
  const fields = splitFields(line);
  const names = new Map<number, string>();
  const places = align(columns, fields.length) ?? [];
  for (const [index, column] of columns.entries()) {
    const place = places[index];
    if (column.kind === 'field' && column.name && place !== undefined) names.set(place, column.name);
  }
  return Object.fromEntries(
    fields.map((field, index) => [`$${names.get(index) ?? String(index + 1)}`, field]),
  );
}
