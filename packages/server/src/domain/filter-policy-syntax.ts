/**
 * Checks the form of a filter policy as SNS does, with its words and the place it names. The place is where AWS's
 * parser stands when it gives up, one token ahead of what is wrong in some cases; the recordings show it.
 * What a well-formed policy means is event-pattern.ts's business.
 */
import { findJsonFault } from './json-error.ts';
import { type Token, tokenize } from './json-tokens.ts';

/** Message without the prefix that names the parameter; `undefined` when the form is right. */
export function findSyntaxFault(text: string): string | undefined {
  const fault = describeJsonFault(text);
  if (fault !== undefined) return fault;
  try {
    new Checker(text).document();
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    return error.message;
  }
}

/** Why a text is no JSON, in the words of SNS; `undefined` when it is. */
export function describeJsonFault(text: string): string | undefined {
  const fault = findJsonFault(Buffer.from(text));
  return (
    fault &&
    `failed to parse JSON. ${fault.text}\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: ${fault.line}, column: ${fault.column}]`
  );
}

function place(text: string, line: number, column: number): string {
  return `\n at [Source: (String)"${text}"; line: ${line}, column: ${column}]`;
}

class SyntaxFault extends Error {}

const COMPARISONS = new Set(['=', '<', '<=', '>', '>=']);

class Checker {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  document(): void {
    if (this.#peek().kind !== '{') this.#fail('Filter is not an object', this.#peek().start);
    this.#at++;
    this.#object();
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  /** `offset`: characters of the text that the parser has read. */
  #fail(message: string, offset: number): never {
    const before = this.#text.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    const line = before.split('\n').length;
    throw new SyntaxFault(`${message}${place(this.#text, line, offset - lineStart + 1)}`);
  }

  /** Members of an object whose brace has been read: fields of a policy. */
  #object(): void {
    if (this.#peek().kind === '}') this.#fail('Empty objects are not allowed', this.#peek().start);
    for (let token = this.#next(); token.kind !== '}'; token = this.#next()) {
      const value = this.#next();
      if (value.kind === '{') this.#object();
      else if (value.kind === '[') {
        if (token.text === '$or' && this.#peek().kind === '{' && this.#isAlternatives()) this.#alternatives();
        else this.#values();
      } else this.#fail(`"${token.text}" must be an object or an array`, value.start);
    }
  }

  /** `$or` is the operator when its list holds only objects that are policies themselves. */
  #isAlternatives(): boolean {
    let depth = 0;
    for (let i = this.#at; i < this.#tokens.length; i++) {
      const { kind } = this.#tokens[i] as Token;
      if (kind === '{' || kind === '[') depth++;
      else if (kind === '}' || kind === ']') {
        if (depth === 0) return true;
        depth--;
      } else if (depth === 0) return false;
      else if (depth === 1 && kind === 'name') {
        const value = this.#tokens[i + 1] as Token;
        // A match expression (`{"prefix": "x"}`) holds a plain value; a policy holds lists and objects.
        if (value.kind !== '[' && value.kind !== '{') return false;
      }
    }
    return true;
  }

  #alternatives(): void {
    while (this.#next().kind === '{') this.#object();
  }

  /** Values of a list whose bracket has been read. */
  #values(): void {
    if (this.#peek().kind === ']') this.#fail('Empty arrays are not allowed', this.#peek().start);
    for (let token = this.#next(); token.kind !== ']'; token = this.#next()) {
      if (token.kind === '[')
        this.#fail('Match value must be String, number, true, false, or null', token.start);
      if (token.kind === '{') this.#expression();
    }
  }

  #expression(): void {
    const name = this.#next();
    if (name.kind !== 'name') this.#fail('Empty match expressions are not allowed', name.start);
    const value = this.#next();
    switch (name.text) {
      case 'prefix':
      case 'suffix':
      case 'equals-ignore-case':
      case 'wildcard':
      case 'cidr':
        this.#string(name.text, value);
        break;
      case 'exists':
        if (value.kind !== 'true' && value.kind !== 'false') {
          this.#fail('exists match pattern must be either true or false.', value.start);
        }
        break;
      case 'numeric':
        this.#numeric(value);
        break;
      case 'anything-but':
        this.#anythingBut(value);
        break;
      default:
        this.#fail(`Unrecognized match type ${name.text}`, value.start);
    }
    const end = this.#next();
    if (end.kind !== '}') this.#fail('Only one key allowed in match expression', this.#peek().start);
  }

  #string(name: string, value: Token): void {
    if (value.kind !== 'string') this.#fail(`${name} match pattern must be a string`, value.start);
  }

  #anythingBut(value: Token): void {
    if (value.kind === '{') {
      const name = this.#next();
      const operand = this.#next();
      if (name.text !== 'prefix' && name.text !== 'wildcard') {
        this.#fail(`Unsupported anything-but pattern: ${name.text}`, operand.start);
      }
      this.#string(name.text, operand);
      const end = this.#next();
      if (end.kind !== '}') this.#fail('Only one key allowed in match expression', this.#peek().start);
      return;
    }
    if (value.kind !== '[') return;
    if (this.#peek().kind === ']') this.#fail('Empty arrays are not allowed', this.#peek().start);
    for (let token = this.#next(); token.kind !== ']'; token = this.#next()) {
      if (token.kind === '[' || token.kind === '{') {
        this.#fail('Inside anything but list, start|null|boolean is not supported.', token.start);
      }
    }
  }

  #numeric(value: Token): void {
    if (value.kind !== '[') this.#fail('Value of numeric must be an array.', value.start);
    const operator = this.#next();
    if (operator.kind !== 'string')
      this.#fail(`Invalid member in numeric match: ${operator.text}`, operator.start);
    const bound = this.#next();
    if (!COMPARISONS.has(operator.text)) {
      this.#fail(`Unrecognized numeric range operator: ${operator.text}`, bound.start);
    }
    const word = operator.text === '=' ? 'equals' : operator.text;
    if (bound.kind !== 'number') this.#fail(`Value of ${word} must be numeric`, bound.start);
    const second = this.#next();
    if (second.kind === ']') return;
    if (!operator.text.startsWith('>')) this.#fail('Too many elements in numeric expression', second.start);
    if (second.kind !== 'string') this.#fail(`Bad value in numeric range: ${second.text}`, second.start);
    if (!second.text.startsWith('<')) this.#fail(`Bad numeric range operator: ${second.text}`, second.end);
    const top = this.#next();
    if (top.kind !== 'number') this.#fail(`Value of ${second.text} must be numeric`, top.start);
    const end = this.#next();
    if (end.kind !== ']') this.#fail('Too many terms in numeric range expression', end.start);
    if (Number(bound.text) >= Number(top.text)) this.#fail('Bottom must be less than top', end.start);
  }
}
