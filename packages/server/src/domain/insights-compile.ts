/** Expressions of a query → functions of a row. Checked once here, so running has nothing left to complain about. */
import { RE2JS } from 're2js';
import { FUNCTIONS } from './insights-functions.ts';
import { QueryError } from './insights-lexer.ts';
import type { BinaryOperator, Expression } from './insights-query.ts';
import { compareValues, Instant, isTrue, toNumber, toText, type Value } from './insights-value.ts';

/** What a query reads from: a log event, or what an earlier `stats` made. */
export interface Row {
  get(name: string): Value;
}

export type Evaluate = (row: Row) => Value;

export interface QueryTimes {
  /** Epoch ms. */
  readonly startAt: number;
  readonly endAt: number;
  readonly now: number;
}

/** @throws QueryError for an unknown function, a wrong number of arguments, a bad regular expression */
export function compileExpression(expression: Expression, times: QueryTimes): Evaluate {
  switch (expression.kind) {
    case 'literal':
      return () => expression.value;
    case 'field':
      return (row) => row.get(expression.name);
    case 'duration':
      return () => expression.ms;
    case 'regex':
      return () => expression.source;
    case 'unary': {
      const operand = compileExpression(expression.operand, times);
      if (expression.operator === 'not') return (row) => !isTrue(operand(row));
      return (row) => finite(-toNumber(operand(row)));
    }
    case 'in': {
      const value = compileExpression(expression.value, times);
      const list = expression.list.map((item) => compileExpression(item, times));
      return (row) => list.some((item) => compareValues(value(row), item(row)) === 0);
    }
    case 'call':
      return compileCall(expression, times);
    case 'binary':
      return compileBinary(expression, times);
  }
}

function finite(result: number): Value {
  return Number.isFinite(result) ? result : undefined;
}

function compileBinary(expression: Expression & { kind: 'binary' }, times: QueryTimes): Evaluate {
  const { operator } = expression;
  const left = compileExpression(expression.left, times);
  if (operator === 'like') return compileLike(left, expression.right, times);
  const right = compileExpression(expression.right, times);
  if (operator === 'and') return (row) => isTrue(left(row)) && isTrue(right(row));
  if (operator === 'or') return (row) => isTrue(left(row)) || isTrue(right(row));
  const compare = COMPARE[operator];
  if (compare) {
    const onMissing = operator === '!=';
    return (row) => {
      const order = compareValues(left(row), right(row));
      return order === undefined ? onMissing : compare(order);
    };
  }
  const calculate = CALCULATE[operator] as (a: number, b: number) => number;
  return (row) => finite(calculate(toNumber(left(row)), toNumber(right(row))));
}

const COMPARE: Partial<Record<BinaryOperator, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '>': (order) => order > 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
};
const CALCULATE: Partial<Record<BinaryOperator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
};

function compileLike(left: Evaluate, pattern: Expression, times: QueryTimes): Evaluate {
  if (pattern.kind === 'regex') {
    const test = compileTest(pattern.source);
    return (row) => {
      const value = left(row);
      return value !== undefined && value !== null && test(toText(value));
    };
  }
  const right = compileExpression(pattern, times);
  return (row) => {
    const value = left(row);
    return value !== undefined && value !== null && toText(value).includes(toText(right(row)));
  };
}

/** @throws QueryError; look-around and back-references are refused, for they cannot run in linear time */
export function compileRegex(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    throw new QueryError(
      `the regular expression /${source}/ is not supported: ${(cause as Error).message}`,
      0,
      0,
    );
  }
}

function compileTest(source: string): (text: string) => boolean {
  if (!/[\\^$.*+?()[\]{}|]/.test(source)) return (text) => text.includes(source);
  const regex = compileRegex(source);
  return (text) => regex.test(text);
}

type Call = Expression & { kind: 'call' };

function compileCall(call: Call, times: QueryTimes): Evaluate {
  const special = SPECIAL[call.name];
  if (special) return special(call, times);
  const found = Object.hasOwn(FUNCTIONS, call.name) ? FUNCTIONS[call.name] : undefined;
  if (!found)
    throw new QueryError(`unknown function '${call.name}'`, call.start, call.start + call.name.length);
  checkCount(call, found.min, found.max);
  const args = call.arguments.map((argument) => compileExpression(argument, times));
  const { run, seesMissing } = found;
  return (row) => {
    const values: Value[] = [];
    for (const argument of args) {
      const value = argument(row);
      if (!seesMissing && (value === undefined || value === null)) return undefined;
      values.push(value);
    }
    return run(values);
  };
}

function checkCount(call: Call, min: number, max: number): void {
  const count = call.arguments.length;
  if (count >= min && count <= max) return;
  const expected = min === max ? String(min) : `${min} to ${max}`;
  throw new QueryError(
    `${call.name}: expected ${expected} arguments, found ${count}`,
    call.start,
    call.start + call.name.length,
  );
}

type Rounding = 'floor' | 'ceil';

function compileRounding(
  call: Call,
  value: Evaluate,
  unit: Expression | undefined,
  rounding: Rounding,
): Evaluate {
  if (unit?.kind !== 'duration' || (unit.ms === 0 && unit.months === 0)) {
    throw new QueryError(
      `${call.name}: expected a period such as 5m, 1h or 1d`,
      call.start,
      call.start + call.name.length,
    );
  }
  return (row) => {
    const at = toNumber(value(row));
    return Number.isFinite(at) ? new Instant(roundTo(at, unit, rounding)) : undefined;
  };
}

function roundTo(at: number, unit: { ms: number; months: number }, rounding: Rounding): number {
  if (unit.months === 0) return Math[rounding](at / unit.ms) * unit.ms;
  const date = new Date(at);
  const month = date.getUTCFullYear() * 12 + date.getUTCMonth();
  const first = Math.floor(month / unit.months) * unit.months;
  const start = monthStart(first);
  return rounding === 'floor' || start === at ? start : monthStart(first + unit.months);
}

/** Years below 100 would mean 19xx. */
function monthStart(month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
  return date.getTime();
}

/** Functions that need the query, the row or a regular expression. */
const SPECIAL: Readonly<Record<string, (call: Call, times: QueryTimes) => Evaluate>> = {
  bin: (call) => compileRounding(call, (row) => row.get('@timestamp'), call.arguments[0], 'floor'),
  datefloor: (call, times) => compileRounding(call, argument(call, 0, times), call.arguments[1], 'floor'),
  dateceil: (call, times) => compileRounding(call, argument(call, 0, times), call.arguments[1], 'ceil'),
  now:
    (_, { now }) =>
    () =>
      new Instant(now),
  querystarttime:
    (_, { startAt }) =>
    () =>
      new Instant(startAt),
  queryendtime:
    (_, { endAt }) =>
    () =>
      new Instant(endAt),
  querytimerange:
    (_, { startAt, endAt }) =>
    () =>
      endAt - startAt,
  messagesize: () => (row) => Buffer.byteLength(toText(row.get('@message'))),
  regexreplace: (call, times) => {
    checkCount(call, 3, 3);
    const [, pattern] = call.arguments;
    if (pattern?.kind !== 'regex' && pattern?.kind !== 'literal') {
      throw new QueryError(
        'regexReplace: expected a regular expression',
        call.start,
        call.start + call.name.length,
      );
    }
    const regex = compileRegex(pattern.kind === 'regex' ? pattern.source : String(pattern.value));
    const value = argument(call, 0, times);
    const replacement = argument(call, 2, times);
    return (row) => {
      const found = value(row);
      if (found === undefined || found === null) return undefined;
      return regex.matcher(toText(found)).replaceAll(toText(replacement(row)));
    };
  },
};

function argument(call: Call, index: number, times: QueryTimes): Evaluate {
  const found = call.arguments[index];
  if (!found)
    throw new QueryError(
      `${call.name}: expected ${index + 1} arguments at least`,
      call.start,
      call.start + 1,
    );
  return compileExpression(found, times);
}
