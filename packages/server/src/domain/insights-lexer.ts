/** Text of a Logs Insights query → tokens. A slash begins an expression only where a value may stand. */

export type TokenKind = 'name' | 'number' | 'duration' | 'string' | 'regex' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Without quotes, slashes and backticks. */
  readonly text: string;
  /** A name in backticks: never a keyword. */
  readonly quoted?: boolean;
  readonly start: number;
  readonly end: number;
}

/** The query is not of the language: what is wrong and where (offsets in the query's text). */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly start: number;
  readonly end: number;

  constructor(message: string, start: number, end: number) {
    super(message);
    this.start = start;
    this.end = end;
  }
}

const SPACE = /(?:\s+|#[^\n]*)+/y;
const DURATION = /\d+(?:msec|ms|sec|s|min|mon|mo|m|hr|h|d|w|qtr|q|yr|y)(?![A-Za-z0-9_])/y;
const NUMBER = /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[@A-Za-z_][@\w]*(?:\.[@\w]+)*/y;
const SYMBOL = /!=|<=|>=|=~|[|,()[\]+\-*/^%=<>]/y;
/** After these a slash divides. */
const VALUE_ENDS: ReadonlySet<string> = new Set([')', ']']);

export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(query)?.[0];
  };
  const push = (kind: TokenKind, text: string, length: number, quoted?: boolean) => {
    tokens.push({ kind, text, start: at, end: at + length, quoted });
    at += length;
  };
  for (;;) {
    at += match(SPACE)?.length ?? 0;
    if (at >= query.length) break;
    const char = query[at] as string;
    if (char === '"' || char === "'") {
      const { text, length } = readQuoted(query, at, char);
      push('string', text, length);
    } else if (char === '`') {
      const end = query.indexOf('`', at + 1);
      if (end === -1) throw new QueryError('a name in backticks is not closed', at, query.length);
      push('name', query.slice(at + 1, end), end + 1 - at, true);
    } else if (char === '/' && expectsValue(tokens.at(-1))) {
      const { text, length } = readRegex(query, at);
      push('regex', text, length);
    } else {
      const duration = match(DURATION);
      const number = duration === undefined ? match(NUMBER) : undefined;
      const name = match(NAME);
      if (duration !== undefined) push('duration', duration, duration.length);
      else if (number !== undefined) push('number', number, number.length);
      else if (name !== undefined) push('name', name, name.length);
      else {
        const symbol = match(SYMBOL);
        if (symbol === undefined) throw new QueryError(`unexpected character '${char}'`, at, at + 1);
        push('symbol', symbol, symbol.length);
      }
    }
  }
  tokens.push({ kind: 'end', text: '', start: query.length, end: query.length });
  return tokens;
}

const KEYWORDS_BEFORE_VALUES = new Set(['like', 'parse', 'and', 'or', 'not', 'in', 'by']);

function expectsValue(previous: Token | undefined): boolean {
  if (!previous) return true;
  if (previous.kind === 'symbol') return !VALUE_ENDS.has(previous.text);
  if (previous.kind !== 'name' || previous.quoted) return false;
  return KEYWORDS_BEFORE_VALUES.has(previous.text.toLowerCase()) || previous.text.startsWith('@');
}

function readQuoted(query: string, start: number, quote: string): { text: string; length: number } {
  let text = '';
  for (let at = start + 1; at < query.length; at++) {
    const char = query[at] as string;
    if (char === quote) return { text, length: at + 1 - start };
    const next = query[at + 1];
    if (char === '\\' && (next === quote || next === '\\')) {
      text += next;
      at++;
    } else text += char;
  }
  throw new QueryError('a text is not closed', start, query.length);
}

function readRegex(query: string, start: number): { text: string; length: number } {
  let inClass = false;
  for (let at = start + 1; at < query.length; at++) {
    const char = query[at];
    if (char === '\\') at++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) {
      return { text: query.slice(start + 1, at).replaceAll('\\/', '/'), length: at + 1 - start };
    }
  }
  throw new QueryError('a regular expression is not closed', start, query.length);
}
