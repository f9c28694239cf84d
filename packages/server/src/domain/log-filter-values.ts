/**
 * What the three forms of a filter pattern share: a scanner over the pattern text, and operands
 * (number, text with wildcards at its ends, regular expression) with their comparison.
 * Matching never takes more than linear time: expressions run on an automaton, not by backtracking.
 * Source: Amazon CloudWatch Logs, "Filter pattern syntax"; older edition for the wildcard rule.
 */
import { RE2JS } from 're2js';

/** The pattern is not one of the language; the message says what and where. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

export const MAX_PATTERN_CHARS = 1024;

/** Letters, digits, the symbols AWS allows in a %regex%, and its operators; parentheses are refused. */
const REGEX_CHARS = /^[A-Za-z0-9:_#=@/;,\-^$?[\]{}|\\*+.]*$/;
const REGEX_ESCAPE = /\\(x[0-9A-Fa-f]{2}|[dDsSwW]|[:_#=@/;,\-^$?[\]{}|\\*+.])|\\/g;

export type Compare = '=' | '!=' | '<' | '>' | '<=' | '>=';

export type Operand =
  | { readonly kind: 'number'; readonly value: number; readonly text: string }
  | { readonly kind: 'text'; readonly text: string; readonly open: 'none' | 'start' | 'end' | 'both' }
  | { readonly kind: 'regex'; readonly test: (text: string) => boolean };

/** Compiles the inside of a %…%; the result runs in time linear in the text. */
function compileRegex(source: string): (text: string) => boolean {
  if (!REGEX_CHARS.test(source)) {
    throw new PatternError(`Unsupported character in the regular expression %${source}%`);
  }
  for (const found of source.matchAll(REGEX_ESCAPE)) {
    if (found[1] === undefined)
      throw new PatternError(`Unsupported escape in the regular expression %${source}%`);
  }
  try {
    const regex = RE2JS.compile(source);
    return (text) => regex.test(text);
  } catch (cause) {
    throw new PatternError(`Invalid regular expression %${source}%`, { cause });
  }
}

/** A bare or quoted word with an asterisk at its start, its end or both matches whatever stands there. */
function textOperand(word: string): Operand {
  const start = word.startsWith('*');
  const end = word.endsWith('*') && word.length > (start ? 1 : 0);
  const text = word.slice(start ? 1 : 0, end ? -1 : undefined);
  if (start && text === '' && !end) return { kind: 'text', text: '', open: 'both' };
  return { kind: 'text', text, open: start ? (end ? 'both' : 'start') : end ? 'end' : 'none' };
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

function sameText(operand: Operand & { kind: 'text' }, text: string): boolean {
  switch (operand.open) {
    case 'none':
      return text === operand.text;
    case 'start':
      return text.endsWith(operand.text);
    case 'end':
      return text.startsWith(operand.text);
    case 'both':
      return text.includes(operand.text);
  }
}

/** Ordering comparisons hold only between numbers; equality of an unquoted number is numeric where it can be. */
export function compareValue(found: string | number, compare: Compare, operand: Operand): boolean {
  if (compare === '=' || compare === '!=') {
    const equal = isEqual(found, operand);
    return compare === '=' ? equal : !equal;
  }
  const left = typeof found === 'number' ? found : parseNumber(found);
  if (operand.kind !== 'number' || left === undefined) return false;
  if (compare === '<') return left < operand.value;
  if (compare === '>') return left > operand.value;
  if (compare === '<=') return left <= operand.value;
  return left >= operand.value;
}

function isEqual(found: string | number, operand: Operand): boolean {
  if (operand.kind === 'regex') return operand.test(String(found));
  if (operand.kind === 'text') return sameText(operand, String(found));
  const left = typeof found === 'number' ? found : parseNumber(found);
  return left === undefined ? String(found) === operand.text : left === operand.value;
}

/** Walks the text of a pattern. */
export class Scanner {
  readonly text: string;
  at = 0;
  /** Regular expressions met so far. */
  regexes = 0;

  constructor(text: string) {
    this.text = text;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  space(): void {
    while (this.at < this.text.length && /\s/.test(this.text[this.at] as string)) this.at++;
  }

  /** Takes `token` when it comes next. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  /** Takes a match of a sticky expression. */
  match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.text)?.[0];
    if (found === undefined || found === '') return undefined;
    this.at += found.length;
    return found;
  }

  fail(expected: string): never {
    const found = this.done ? 'its end' : `'${this.text.slice(this.at, this.at + 10)}'`;
    throw new PatternError(`expected ${expected} at position ${this.at + 1}, found ${found}`);
  }

  /** A string in double quotes; a backslash keeps the next character. */
  quoted(): string | undefined {
    if (!this.take('"')) return undefined;
    let out = '';
    while (!this.done) {
      const char = this.text[this.at++] as string;
      if (char === '"') return out;
      out += char === '\\' && !this.done ? (this.text[this.at++] as string) : char;
    }
    return this.fail('a closing double quote');
  }

  regex(): ((text: string) => boolean) | undefined {
    if (!this.take('%')) return undefined;
    const end = this.text.indexOf('%', this.at);
    if (end === -1) this.fail('a closing %');
    const source = this.text.slice(this.at, end);
    this.at = end + 1;
    this.regexes++;
    return compileRegex(source);
  }

  compare(): Compare | undefined {
    return this.match(/!=|<=|>=|=|<|>/y) as Compare | undefined;
  }

  /** Quoted string, %regex%, number or a bare word as `bare` allows it. */
  operand(bare: RegExp): Operand {
    const quoted = this.quoted();
    if (quoted !== undefined) return textOperand(quoted);
    const test = this.regex();
    if (test) return { kind: 'regex', test };
    const word = this.match(bare);
    if (word === undefined) this.fail('a value');
    const value = parseNumber(word);
    return value === undefined ? textOperand(word) : { kind: 'number', value, text: word };
  }
}
