/**
 * A query at work: events are pushed in, newest first, and flow through its commands; `finish` gives the rows.
 * Memory holds groups, what is sorted and the result, never all events.
 */
import { type Accumulator, compileAggregate } from './insights-aggregates.ts';
import {
  compileExpression,
  compileRegex,
  type Evaluate,
  type QueryTimes,
  type Row,
} from './insights-compile.ts';
import { QueryError } from './insights-lexer.ts';
import { isAggregate } from './insights-parser.ts';
import type { Column, Command, Expression, Query } from './insights-query.ts';
import type { LogRecord } from './insights-record.ts';
import { isTrue, orderValues, toText, type Value } from './insights-value.ts';

export interface ResultField {
  readonly field: string;
  readonly value: string;
}

export interface InsightsRun {
  /** false: the result is complete, no more events are needed. */
  push(record: LogRecord): boolean;
  finish(): ResultField[][];
  /** Events that passed the filters so far. */
  readonly matched: number;
}

/** Rows of a result where the query names no limit. Source: "limit". */
export const DEFAULT_LIMIT = 10_000;
const MAX_GROUPS = 100_000;
const DEFAULT_COLUMNS = ['@timestamp', '@message'];

/** A row that commands can add fields to. */
interface OpenRow extends Row {
  set(name: string, value: Value): void;
}

class MapRow implements OpenRow {
  readonly #fields = new Map<string, Value>();

  get(name: string): Value {
    return this.#fields.get(name);
  }
  set(name: string, value: Value): void {
    this.#fields.set(name, value);
  }
}

/** One command: takes rows, hands rows on. */
interface Stage {
  /** false: wants no more. */
  push(row: OpenRow): boolean;
  end(): void;
}

/** @throws QueryError */
export function startRun(query: Query, times: QueryTimes, limit = DEFAULT_LIMIT): InsightsRun {
  const { columns, aggregated } = columnsOf(query.commands);
  const rows: OpenRow[] = [];
  const hasLimit = query.commands.some(({ kind }) => kind === 'limit');
  let stage: Stage = {
    push: (row) => rows.push(row) < (hasLimit ? Number.POSITIVE_INFINITY : limit),
    end: () => undefined,
  };
  let matched = 0;
  const firstOther = query.commands.findIndex(({ kind }) =>
    ['stats', 'sort', 'limit', 'dedup'].includes(kind),
  );
  const filtersEnd = firstOther === -1 ? query.commands.length : firstOther;
  for (let i = query.commands.length; i >= 0; i--) {
    if (i === filtersEnd) {
      const next = stage;
      stage = {
        push: (row) => {
          matched++;
          return next.push(row);
        },
        end: () => next.end(),
      };
    }
    const command = query.commands[i - 1];
    if (command) stage = compileCommand(command, query.commands[i], times, stage, limit);
  }
  const first = stage;
  return {
    push: (record) => first.push(record),
    finish() {
      first.end();
      const shown = aggregated ? columns : [...columns, '@ptr'];
      return rows.slice(0, hasLimit ? undefined : limit).map((row) =>
        shown.flatMap((field) => {
          const value = row.get(field);
          return value === undefined || value === null ? [] : [{ field, value: toText(value) }];
        }),
      );
    },
    get matched() {
      return matched;
    },
  };
}

/** The columns of the result, and whether rows are still events. */
function columnsOf(commands: readonly Command[]): { columns: string[]; aggregated: boolean } {
  let columns: string[] = [];
  let parsed: string[] = [];
  let aggregated = false;
  const add = (names: readonly string[]) => {
    for (const name of names) if (!columns.includes(name)) columns.push(name);
  };
  for (const command of commands) {
    if (command.kind === 'fields' || command.kind === 'unmask') add(command.columns.map(({ name }) => name));
    else if (command.kind === 'display') columns = command.columns.map(({ name }) => name);
    else if (command.kind === 'parse') parsed = [...parsed, ...namesOf(command)];
    else if (command.kind === 'stats') {
      columns = [...command.by, ...command.columns].map(({ name }) => name);
      aggregated = true;
    }
  }
  return { columns: columns.length > 0 ? columns : [...DEFAULT_COLUMNS, ...parsed], aggregated };
}

function namesOf(command: Command & { kind: 'parse' }): readonly string[] {
  if (command.pattern.kind === 'glob' || command.names.length > 0) return command.names;
  return [...command.pattern.text.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].map((found) => found[1] as string);
}

function compileCommand(
  command: Command,
  following: Command | undefined,
  times: QueryTimes,
  next: Stage,
  limit: number,
): Stage {
  const end = () => next.end();
  switch (command.kind) {
    case 'fields':
    case 'display':
    case 'unmask': {
      const computed = command.columns
        .filter(({ name, expression }) => expression.kind !== 'field' || expression.name !== name)
        .map(({ name, expression }) => ({ name, evaluate: compileExpression(expression, times) }));
      return {
        push: (row) => {
          for (const { name, evaluate } of computed) row.set(name, evaluate(row));
          return next.push(row);
        },
        end,
      };
    }
    case 'filter': {
      const condition = compileExpression(command.condition, times);
      return { push: (row) => !isTrue(condition(row)) || next.push(row), end };
    }
    case 'parse': {
      const parse = compileParse(command, times);
      return {
        push: (row) => {
          parse(row);
          return next.push(row);
        },
        end,
      };
    }
    case 'dedup': {
      const seen = new Set<string>();
      const keys = command.columns.map(({ expression }) => compileExpression(expression, times));
      return {
        push: (row) => {
          const key = JSON.stringify(keys.map((evaluate) => toText(evaluate(row))));
          if (seen.has(key)) return true;
          seen.add(key);
          return next.push(row);
        },
        end,
      };
    }
    case 'limit': {
      let left = command.count;
      return {
        push: (row) => {
          if (left > 0) next.push(row);
          return --left > 0;
        },
        end,
      };
    }
    case 'sort':
      return compileSort(command, following, times, next, limit);
    case 'stats':
      return compileStats(command, times, next);
  }
}

function compileSort(
  command: Command & { kind: 'sort' },
  following: Command | undefined,
  times: QueryTimes,
  next: Stage,
  limit: number,
): Stage {
  const keys = command.keys.map(({ expression, descending }) => ({
    evaluate: compileExpression(expression, times),
    sign: descending ? -1 : 1,
  }));
  // Only where nothing further on could still drop rows is the rest of no use.
  const wanted = following === undefined ? limit : following.kind === 'limit' ? following.count : undefined;
  let rows: { row: OpenRow; values: Value[] }[] = [];
  const order = (a: { values: Value[] }, b: { values: Value[] }) => {
    for (const [index, { sign }] of keys.entries()) {
      const found = orderValues(a.values[index], b.values[index]);
      if (found !== 0) return sign * found;
    }
    return 0;
  };
  return {
    push: (row) => {
      rows.push({ row, values: keys.map(({ evaluate }) => evaluate(row)) });
      if (wanted !== undefined && rows.length > 4 * wanted + 1000) rows = rows.sort(order).slice(0, wanted);
      return true;
    },
    end: () => {
      for (const { row } of rows.sort(order)) if (!next.push(row)) break;
      next.end();
    },
  };
}

function compileStats(command: Command & { kind: 'stats' }, times: QueryTimes, next: Stage): Stage {
  const makers: (() => Accumulator)[] = [];
  const results = command.columns.map(({ name, expression }) => ({
    name,
    evaluate: compileExpression(takeAggregates(expression, times, makers), times),
  }));
  const by = command.by.map(({ name, expression }: Column) => ({
    name,
    evaluate: compileExpression(expression, times),
  }));
  const groups = new Map<string, { keys: Value[]; accumulators: Accumulator[] }>();
  const start = (keys: Value[]) => ({ keys, accumulators: makers.map((make) => make()) });
  return {
    push: (row) => {
      const keys = by.map(({ evaluate }) => evaluate(row));
      const id = keys.length === 1 ? toText(keys[0]) : JSON.stringify(keys.map(toText));
      let group = groups.get(id);
      if (!group) {
        if (groups.size >= MAX_GROUPS) throw new QueryError(`stats: more than ${MAX_GROUPS} groups`, 0, 0);
        group = start(keys);
        groups.set(id, group);
      }
      for (const accumulator of group.accumulators) accumulator.add(row);
      return true;
    },
    end: () => {
      if (groups.size === 0 && by.length === 0) groups.set('', start([]));
      for (const { keys, accumulators } of groups.values()) {
        const row = new MapRow();
        for (const [index, { name }] of by.entries()) row.set(name, keys[index]);
        for (const [index, accumulator] of accumulators.entries())
          row.set(slotName(index), accumulator.result());
        for (const { name, evaluate } of results) row.set(name, evaluate(row));
        if (!next.push(row)) break;
      }
      next.end();
    },
  };
}

/** No field of an event is called so. */
function slotName(index: number): string {
  return `\u0000${index}`;
}

/** The expression with each aggregate replaced by the field that will hold its result. */
function takeAggregates(
  expression: Expression,
  times: QueryTimes,
  makers: (() => Accumulator)[],
): Expression {
  const inner = (part: Expression) => takeAggregates(part, times, makers);
  switch (expression.kind) {
    case 'call':
      if (isAggregate(expression)) {
        makers.push(compileAggregate(expression, times));
        return { kind: 'field', name: slotName(makers.length - 1) };
      }
      return { ...expression, arguments: expression.arguments.map(inner) };
    case 'binary':
      return { ...expression, left: inner(expression.left), right: inner(expression.right) };
    case 'unary':
      return { ...expression, operand: inner(expression.operand) };
    default:
      return expression;
  }
}

function compileParse(command: Command & { kind: 'parse' }, times: QueryTimes): (row: OpenRow) => void {
  const source = compileExpression(command.source, times);
  const names = namesOf(command);
  const extract: (text: string) => readonly (string | undefined)[] | undefined =
    command.pattern.kind === 'glob'
      ? compileGlob(command.pattern.text)
      : compileCapture(command.pattern.text, command.names.length > 0 ? undefined : names);
  return (row) => {
    const value: ReturnType<Evaluate> = source(row);
    if (value === undefined || value === null) return;
    const found = extract(toText(value));
    if (found) for (const [index, name] of names.entries()) row.set(name, found[index]);
  };
}

/** Pieces between the asterisks in order; each asterisk takes as little as it can, the last one the rest. */
function compileGlob(glob: string): (text: string) => string[] | undefined {
  const [first = '', ...pieces] = glob.split('*');
  return (text) => {
    let at = text.indexOf(first);
    if (at === -1) return undefined;
    at += first.length;
    const found: string[] = [];
    for (const [index, piece] of pieces.entries()) {
      const end = piece === '' && index === pieces.length - 1 ? text.length : text.indexOf(piece, at);
      if (end === -1) return undefined;
      found.push(text.slice(at, end));
      at = end + piece.length;
    }
    return found;
  };
}

/** @param names of the groups; absent: all groups in order */
function compileCapture(
  source: string,
  names: readonly string[] | undefined,
): (text: string) => (string | undefined)[] | undefined {
  const regex = compileRegex(source);
  return (text) => {
    const matcher = regex.matcher(text);
    if (!matcher.find()) return undefined;
    if (names) return names.map((name) => matcher.group(name) ?? undefined);
    return Array.from({ length: matcher.groupCount() }, (_, index) => matcher.group(index + 1) ?? undefined);
  };
}
