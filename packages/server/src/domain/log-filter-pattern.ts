/**
 * Filter patterns of CloudWatch Logs: which log events a metric filter, a subscription filter,
 * FilterLogEvents or a live tail lets through. Three forms: terms, JSON, space-delimited.
 * Parsing is bounded by the pattern's length, matching is linear in the message.
 * Source: Amazon CloudWatch Logs, "Filter pattern syntax for metric filters, subscription filters,
 * filter log events, and Live Tail". Terms match as substrings, as that page's examples do.
 */
import { type Columns, extractColumns, matchColumns, parseColumns } from './log-filter-columns.ts';
import {
  type JsonExpression,
  matchJson,
  parseDocument,
  parseJsonExpression,
  parseSelector,
  select,
} from './log-filter-json.ts';
import { MAX_PATTERN_CHARS, PatternError, Scanner } from './log-filter-values.ts';

/** Regular expressions that one JSON or space-delimited pattern may hold. */
const MAX_REGEXES = 2;

type Test = (message: string) => boolean;

export interface FilterPattern {
  readonly source: string;
  readonly form: 'everything' | 'terms' | 'json' | 'columns';
  readonly usesRegex: boolean;
  matches(message: string): boolean;
  /** Fields of a space-delimited pattern by `$name` or `$n`; empty for the other forms. */
  extract(message: string): Record<string, string>;
  /** Value of `$.field` (JSON) or `$field` (space-delimited); undefined when the message has none. */
  read(message: string, selector: string): string | number | undefined;
}

export type ParsedPattern =
  | { readonly kind: 'pattern'; readonly pattern: FilterPattern }
  | { readonly kind: 'invalid'; readonly message: string };

/** Reads a pattern; an invalid one comes back as a value that says what is wrong with it. */
export function parseFilterPattern(source: string): ParsedPattern {
  if (source.length > MAX_PATTERN_CHARS) {
    return { kind: 'invalid', message: `A filter pattern has at most ${MAX_PATTERN_CHARS} characters` };
  }
  try {
    return { kind: 'pattern', pattern: parse(source) };
  } catch (error) {
    if (error instanceof PatternError) return { kind: 'invalid', message: error.message };
    throw error;
  }
}

function parse(source: string): FilterPattern {
  const scanner = new Scanner(source);
  scanner.space();
  if (scanner.done || /^\s*\[\s*\]\s*$/.test(source) || /^\s*" "\s*$/.test(source)) return everything(source);
  if (scanner.take('{')) {
    const expression = parseJsonExpression(scanner);
    close(scanner, '}');
    return jsonPattern(source, expression, scanner.regexes);
  }
  if (scanner.take('[')) {
    const columns = parseColumns(scanner);
    close(scanner, '');
    return columnPattern(source, columns, scanner.regexes);
  }
  return termPattern(source, scanner);
}

function close(scanner: Scanner, bracket: string): void {
  scanner.space();
  if (!scanner.take(bracket)) scanner.fail(`'${bracket}'`);
  scanner.space();
  if (!scanner.done) scanner.fail('the end of the pattern');
  if (scanner.regexes > MAX_REGEXES) {
    throw new PatternError(`A pattern of this form can hold ${MAX_REGEXES} regular expressions at most`);
  }
}

const NO_FIELDS = { extract: () => ({}), read: () => undefined };

function everything(source: string): FilterPattern {
  return { source, form: 'everything', usesRegex: false, matches: () => true, ...NO_FIELDS };
}

function jsonPattern(source: string, expression: JsonExpression, regexes: number): FilterPattern {
  return {
    source,
    form: 'json',
    usesRegex: regexes > 0,
    matches(message) {
      const document = parseDocument(message);
      return document !== undefined && matchJson(expression, document);
    },
    extract: () => ({}),
    read(message, selector) {
      const scanner = new Scanner(selector);
      const [value] = select(parseDocument(message), parseSelector(scanner));
      return typeof value === 'string' || typeof value === 'number' ? value : undefined;
    },
  };
}

function columnPattern(source: string, columns: Columns, regexes: number): FilterPattern {
  return {
    source,
    form: 'columns',
    usesRegex: regexes > 0,
    matches: (message) => matchColumns(columns, message),
    extract: (message) => extractColumns(columns, message),
    read: (message, selector) => extractColumns(columns, message)[selector],
  };
}

function termPattern(source: string, scanner: Scanner): FilterPattern {
  const required: Test[] = [];
  const optional: Test[] = [];
  const excluded: Test[] = [];
  while (!scanner.done) {
    const list = scanner.take('-') ? excluded : scanner.take('?') ? optional : required;
    list.push(parseTerm(scanner));
    if (!scanner.done && !/\s/.test(scanner.text[scanner.at] as string))
      scanner.fail('a space after the term');
    scanner.space();
  }
  // Terms with ? count only where they stand alone.
  const anyOf = required.length + excluded.length === 0 ? optional : [];
  return {
    source,
    form: 'terms',
    usesRegex: scanner.regexes > 0,
    matches: (message) =>
      required.every((test) => test(message)) &&
      !excluded.some((test) => test(message)) &&
      (anyOf.length === 0 || anyOf.some((test) => test(message))),
    ...NO_FIELDS,
  };
}

function parseTerm(scanner: Scanner): Test {
  // A space between the sign and a quoted phrase is in AWS's own examples.
  if (/^\s+"/.test(scanner.text.slice(scanner.at, scanner.at + 8))) scanner.space();
  const quoted = scanner.quoted();
  if (quoted !== undefined) return (message) => message.includes(quoted);
  const regex = scanner.regex();
  if (regex) return regex;
  const word = scanner.match(/[^\s"%]+/y);
  if (word === undefined) return scanner.fail('a term');
  if (!/^[\p{L}\p{N}_]+$/u.test(word)) {
    throw new PatternError(`Invalid character(s) in term '${word}'; put it in double quotes`);
  }
  return (message) => message.includes(word);
}
