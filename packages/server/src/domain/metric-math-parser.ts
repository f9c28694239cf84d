/** Text of a metric-math expression → tree. Source: Amazon CloudWatch, "Using math expressions". */

export type MathNode =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  /** Id of a query, or a word such as REPEAT. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly MathNode[] }
  | { readonly kind: 'negate'; readonly operand: MathNode }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: MathNode; readonly right: MathNode }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly MathNode[] };

export class MathError extends Error {
  override readonly name = 'MathError';
}

const MAX_DEPTH = 50;
/** From what binds least to what binds most. */
const LEVELS: readonly RegExp[] = [/\|\||OR\b/y, /&&|AND\b/y, /==|!=|<=|>=|<|>/y, /[+-]/y, /[*/]/y];
const TOKEN_SPACE = /\s*/y;

/** @throws MathError that says what was expected and where */
export function parseMath(text: string): MathNode {
  const parser = new Parser(text);
  const node = parser.level(0);
  parser.end();
  return node;
}

/** Ids and words that an expression mentions. */
export function namesIn(node: MathNode): string[] {
  switch (node.kind) {
    case 'name':
      return [node.name];
    case 'list':
      return node.items.flatMap(namesIn);
    case 'call':
      return node.arguments.flatMap(namesIn);
    case 'negate':
      return namesIn(node.operand);
    case 'binary':
      return [...namesIn(node.left), ...namesIn(node.right)];
    default:
      return [];
  }
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  level(level: number): MathNode {
    const pattern = LEVELS[level];
    if (!pattern) return this.#power();
    let left = this.level(level + 1);
    for (let operator = this.#match(pattern); operator; operator = this.#match(pattern)) {
      const name = operator === 'OR' ? '||' : operator === 'AND' ? '&&' : operator;
      left = { kind: 'binary', operator: name, left, right: this.level(level + 1) };
    }
    return left;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw this.#error('the end of the expression');
  }

  #power(): MathNode {
    let negative = false;
    for (let sign = this.#match(/[+-]/y); sign; sign = this.#match(/[+-]/y))
      if (sign === '-') negative = !negative;
    const left = this.#primary();
    const node: MathNode = this.#match(/\^/y)
      ? { kind: 'binary', operator: '^', left, right: this.#nested(() => this.#power()) }
      : left;
    return negative ? { kind: 'negate', operand: node } : node;
  }

  #primary(): MathNode {
    const number = this.#match(/(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y);
    if (number) return { kind: 'number', value: Number(number) };
    const text = this.#match(/"[^"]*"|'[^']*'/y);
    if (text) return { kind: 'text', value: text.slice(1, -1) };
    const name = this.#match(/[A-Za-z_][A-Za-z0-9_]*/y);
    if (name) {
      if (!this.#match(/\(/y)) return { kind: 'name', name };
      return { kind: 'call', name, arguments: this.#list(/\)/y, "')'") };
    }
    if (this.#match(/\(/y)) {
      const inner = this.#nested(() => this.level(0));
      if (!this.#match(/\)/y)) throw this.#error("')'");
      return inner;
    }
    if (this.#match(/\[/y)) return { kind: 'list', items: this.#list(/\]/y, "']'") };
    throw this.#error('a value');
  }

  #list(close: RegExp, expected: string): MathNode[] {
    const items: MathNode[] = [];
    if (this.#match(close)) return items;
    do items.push(this.#nested(() => this.level(0)));
    while (this.#match(/,/y));
    if (!this.#match(close)) throw this.#error(`',' or ${expected}`);
    return items;
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new MathError(`nested too deeply: ${MAX_DEPTH} levels at most`);
    const result = parse();
    this.#depth--;
    return result;
  }

  #space(): void {
    TOKEN_SPACE.lastIndex = this.#at;
    this.#at += TOKEN_SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #match(pattern: RegExp): string | undefined {
    this.#space();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #error(expected: string): MathError {
    const found = this.#text.slice(this.#at, this.#at + 10);
    return new MathError(
      `expected ${expected} at position ${this.#at + 1}, found ${found ? `'${found}'` : 'the end'}`,
    );
  }
}
