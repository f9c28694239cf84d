/**
 * Text of a Logs Insights query → tree. Bounded by the query's length and a depth of nesting; every problem is
 * a QueryError with its place. Source: "CloudWatch Logs Insights language query syntax".
 */
import { QueryError, type Token, tokenize } from './insights-lexer.ts';
import {
  AGGREGATES,
  type BinaryOperator,
  type Column,
  type Command,
  type Expression,
  normalName,
  type Query,
} from './insights-query.ts';

const MAX_DEPTH = 100;
/** Source: "stats": at most two in a query of the Infrequent Access class, ten else. */
const MAX_STATS = 10;
const COMMANDS = [
  'fields',
  'display',
  'filter',
  'where',
  'stats',
  'sort',
  'limit',
  'head',
  'dedup',
  'parse',
  'unmask',
];
const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '<', '>', '<=', '>=']);
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  msec: 1,
  s: 1_000,
  sec: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const UNIT_MONTHS: Readonly<Record<string, number>> = { mo: 1, mon: 1, q: 3, qtr: 3, y: 12, yr: 12 };
/** Longest count of a unit before it is capped: `bin(300s)` is `bin(60s)`. */
const UNIT_LIMITS: Readonly<Record<string, number>> = {
  ms: 1000,
  msec: 1000,
  s: 60,
  sec: 60,
  m: 60,
  min: 60,
  h: 24,
  hr: 24,
};

/** @throws QueryError */
export function parseQuery(text: string): Query {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Query {
    const commands: Command[] = [];
    if (this.#peek().kind === 'end') throw this.#error('a command');
    do {
      if (this.#peek().kind === 'end' && commands.length > 0) break;
      commands.push(this.#command());
    } while (this.#take('|'));
    if (this.#peek().kind !== 'end') throw this.#error("'|' or the end of the query");
    if (commands.filter(({ kind }) => kind === 'stats').length > MAX_STATS) {
      throw new QueryError(`a query can have ${MAX_STATS} stats commands at most`, 0, this.#text.length);
    }
    return { commands };
  }

  #command(): Command {
    const token = this.#peek();
    const word = token.kind === 'name' && !token.quoted ? token.text.toLowerCase() : '';
    if (!COMMANDS.includes(word)) throw this.#error(`a command (${COMMANDS.join(', ')})`);
    this.#at++;
    switch (word) {
      case 'fields':
      case 'display':
      case 'unmask':
        return { kind: word, columns: this.#columns() };
      case 'dedup':
        return { kind: 'dedup', columns: this.#columns() };
      case 'filter':
      case 'where':
        return { kind: 'filter', condition: this.#expression() };
      case 'stats':
        return this.#stats();
      case 'sort':
        return this.#sort();
      case 'parse':
        return this.#parse();
      default:
        return this.#limit();
    }
  }

  #columns(): Column[] {
    const columns: Column[] = [];
    do {
      const start = this.#peek().start;
      const expression = this.#expression();
      const source = this.#text.slice(start, this.#previousEnd()).trim();
      const plain = expression.kind === 'field' ? expression.name : source;
      columns.push({ name: this.#takeWord('as') ? this.#name() : plain, expression });
    } while (this.#take(','));
    return columns;
  }

  #stats(): Command {
    const columns = this.#columns();
    for (const { expression, name } of columns) {
      if (!hasAggregate(expression)) {
        throw new QueryError(
          `stats: '${name}' has no aggregate function such as count(*)`,
          this.#peek().start,
          this.#peek().end,
        );
      }
    }
    return { kind: 'stats', columns, by: this.#takeWord('by') ? this.#columns() : [] };
  }

  #sort(): Command {
    const keys: { expression: Expression; descending: boolean }[] = [];
    do {
      const expression = this.#columnReference();
      const descending = this.#takeWord('desc');
      if (!descending) this.#takeWord('asc');
      keys.push({ expression, descending });
    } while (this.#take(','));
    return { kind: 'sort', keys };
  }

  /** After `stats count(*) by x`, `count(*)` names the column of that name. */
  #columnReference(): Expression {
    const start = this.#peek().start;
    const expression = this.#expression();
    if (!hasAggregate(expression)) return expression;
    return { kind: 'field', name: this.#text.slice(start, this.#previousEnd()).trim() };
  }

  #limit(): Command {
    const token = this.#next();
    const count = Number(token.text);
    if (token.kind !== 'number' || !Number.isInteger(count) || count < 1) {
      throw new QueryError(
        `limit: expected a whole number of at least 1, found '${token.text}'`,
        token.start,
        token.end,
      );
    }
    return { kind: 'limit', count };
  }

  #parse(): Command {
    const first = this.#peek();
    const source: Expression =
      first.kind === 'regex' || first.kind === 'string'
        ? { kind: 'field', name: '@message' }
        : this.#postfix();
    const token = this.#next();
    if (token.kind !== 'string' && token.kind !== 'regex') {
      throw new QueryError(
        'parse: expected a pattern in quotes or a /regular expression/',
        token.start,
        token.end,
      );
    }
    const names: string[] = [];
    if (this.#takeWord('as'))
      do names.push(this.#name());
      while (this.#take(','));
    const kind = token.kind === 'regex' ? 'regex' : 'glob';
    if (kind === 'glob' && token.text.split('*').length - 1 !== names.length) {
      throw new QueryError(
        `parse: expected as many names after 'as' as there are '*'`,
        token.start,
        token.end,
      );
    }
    return { kind: 'parse', source, pattern: { kind, text: token.text }, names };
  }

  #expression(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#error(`at most ${MAX_DEPTH} levels of nesting`);
    let left = this.#and();
    while (this.#takeWord('or')) left = { kind: 'binary', operator: 'or', left, right: this.#and() };
    this.#depth--;
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#takeWord('and')) left = { kind: 'binary', operator: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    let negations = 0;
    while (this.#takeWord('not')) negations++;
    const operand = this.#comparison();
    return negations % 2 === 1 ? { kind: 'unary', operator: 'not', operand } : operand;
  }

  #comparison(): Expression {
    const left = this.#sum();
    const token = this.#peek();
    if (token.kind === 'symbol' && COMPARISONS.has(token.text)) {
      this.#at++;
      return { kind: 'binary', operator: token.text as BinaryOperator, left, right: this.#sum() };
    }
    if (this.#take('=~')) return { kind: 'binary', operator: 'like', left, right: this.#sum() };
    const negated = this.#isWord('not') && ['like', 'in'].includes(this.#peek(1).text.toLowerCase());
    if (negated) this.#at++;
    let positive: Expression | undefined;
    if (this.#takeWord('like')) positive = { kind: 'binary', operator: 'like', left, right: this.#sum() };
    else if (this.#takeWord('in')) positive = { kind: 'in', value: left, list: this.#list() };
    if (!positive) return left;
    return negated ? { kind: 'unary', operator: 'not', operand: positive } : positive;
  }

  #list(): Expression[] {
    if (!this.#take('[')) throw this.#error("'['");
    const list: Expression[] = [];
    if (this.#take(']')) return list;
    do list.push(this.#sum());
    while (this.#take(','));
    if (!this.#take(']')) throw this.#error("']'");
    return list;
  }

  #sum(): Expression {
    let left = this.#product();
    for (let token = this.#peek(); token.text === '+' || token.text === '-'; token = this.#peek()) {
      if (token.kind !== 'symbol') break;
      this.#at++;
      left = { kind: 'binary', operator: token.text as BinaryOperator, left, right: this.#product() };
    }
    return left;
  }

  #product(): Expression {
    let left = this.#power();
    for (
      let token = this.#peek();
      token.kind === 'symbol' && '*/%'.includes(token.text);
      token = this.#peek()
    ) {
      this.#at++;
      left = { kind: 'binary', operator: token.text as BinaryOperator, left, right: this.#power() };
    }
    return left;
  }

  #power(): Expression {
    const left = this.#unary();
    if (!this.#take('^')) return left;
    if (++this.#depth > MAX_DEPTH) throw this.#error(`at most ${MAX_DEPTH} levels of nesting`);
    const right = this.#power();
    this.#depth--;
    return { kind: 'binary', operator: '^', left, right };
  }

  #unary(): Expression {
    let negative = false;
    for (;;) {
      if (this.#take('-')) negative = !negative;
      else if (!this.#take('+')) break;
    }
    const operand = this.#postfix();
    return negative ? { kind: 'unary', operator: '-', operand } : operand;
  }

  #postfix(): Expression {
    const token = this.#next();
    switch (token.kind) {
      case 'string':
        return { kind: 'literal', value: token.text };
      case 'number':
        return { kind: 'literal', value: Number(token.text) };
      case 'regex':
        return { kind: 'regex', source: token.text };
      case 'duration':
        return parseUnit(token.text);
      case 'name':
        if (!token.quoted && this.#peek().text === '(' && this.#peek().kind === 'symbol')
          return this.#call(token);
        if (!token.quoted && (token.text === 'true' || token.text === 'false')) {
          return { kind: 'literal', value: token.text === 'true' };
        }
        if (!token.quoted && token.text === 'null') return { kind: 'literal', value: null };
        return { kind: 'field', name: token.text };
      default:
        if (token.text === '(') {
          const inner = this.#expression();
          if (!this.#take(')')) throw this.#error("')'");
          return inner;
        }
        this.#at--;
        throw this.#error('a value');
    }
  }

  #call(token: Token): Expression {
    this.#at++;
    const list: Expression[] = [];
    const call = { kind: 'call', name: normalName(token.text), arguments: list, start: token.start } as const;
    if (this.#take(')')) return call;
    if (this.#peek().text === '*' && this.#peek(1).text === ')') {
      this.#at += 2;
      return call;
    }
    do list.push(this.#expression());
    while (this.#take(','));
    if (!this.#take(')')) throw this.#error("',' or ')'");
    return call;
  }

  #name(): string {
    const token = this.#next();
    if (token.kind === 'name') return token.text;
    throw new QueryError(`expected a name, found '${token.text}'`, token.start, token.end);
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #previousEnd(): number {
    return (this.#tokens[this.#at - 1] as Token).end;
  }

  #take(symbol: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token.kind === 'name' && !token.quoted && token.text.toLowerCase() === word;
  }

  #takeWord(word: string): boolean {
    if (!this.#isWord(word)) return false;
    this.#at++;
    return true;
  }

  #error(expected: string): QueryError {
    const token = this.#peek();
    const found = token.kind === 'end' ? 'the end of the query' : `'${token.text}'`;
    return new QueryError(`expected ${expected}, found ${found}`, token.start, token.end);
  }
}

function parseUnit(text: string): Expression {
  const [, digits = '', unit = ''] = /^(\d+)(.*)$/.exec(text) ?? [];
  const count = Math.min(Number(digits), UNIT_LIMITS[unit] ?? Number.MAX_SAFE_INTEGER);
  return { kind: 'duration', ms: count * (UNIT_MS[unit] ?? 0), months: count * (UNIT_MONTHS[unit] ?? 0) };
}

/** Anywhere inside; what is inside an aggregate is about single rows. */
export function hasAggregate(expression: Expression): boolean {
  switch (expression.kind) {
    case 'call':
      return isAggregate(expression) || expression.arguments.some(hasAggregate);
    case 'binary':
      return hasAggregate(expression.left) || hasAggregate(expression.right);
    case 'unary':
      return hasAggregate(expression.operand);
    case 'in':
      return hasAggregate(expression.value);
    default:
      return false;
  }
}

/** `max(a)` folds rows; `greatest(a, b)` does not, and neither do min and max of several values. */
export function isAggregate(call: Expression & { kind: 'call' }): boolean {
  return AGGREGATES.has(call.name);
}
