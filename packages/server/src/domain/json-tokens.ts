/**
 * The tokens of a JSON text with their places, for checks that name the place. The text must be JSON already
 * (json-error.ts tells).
 */
export interface Token {
  readonly kind: '{' | '}' | '[' | ']' | 'name' | 'string' | 'number' | 'true' | 'false' | 'null';
  /** Value of names and strings, source of everything else. */
  readonly text: string;
  /**
   * Characters that a parser has read when it knows the token: past its end, but of a string only past the opening
   * quote.
   */
  readonly start: number;
  /** Characters up to the token's end. */
  readonly end: number;
}

const STRUCTURE = new Set(['{', '}', '[', ']']);
const SCALAR = /-?\d[\d.eE+-]*|true|false|null/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    if (character === ':') {
      // What came before was a name.
      const last = tokens.at(-1) as Token;
      tokens[tokens.length - 1] = { ...last, kind: 'name' };
      at++;
    } else if (STRUCTURE.has(character)) {
      at++;
      tokens.push({ kind: character as Token['kind'], text: character, start: at, end: at });
    } else if (character === '"') {
      STRING.lastIndex = at;
      const source = STRING.exec(text)?.[0] ?? text.slice(at);
      tokens.push({
        kind: 'string',
        text: JSON.parse(source) as string,
        start: at + 1,
        end: at + source.length,
      });
      at += source.length;
    } else {
      SCALAR.lastIndex = at;
      const source = SCALAR.exec(text)?.[0];
      if (source === undefined) {
        at++;
        continue;
      }
      at += source.length;
      const kind = source === 'true' || source === 'false' || source === 'null' ? source : 'number';
      tokens.push({ kind, text: source, start: at, end: at });
    }
  }
  return tokens;
}
