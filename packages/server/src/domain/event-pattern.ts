/**
 * Event patterns: the language in which event source mappings, SNS filter policies and event rules say which
 * events they want. A pattern is a JSON object; its fields must all match, the values of one field are
 * alternatives. Compiled once; matching never fails and costs time linear in the size of the value.
 *
 * Sources: EventBridge "Creating Amazon EventBridge event patterns", Lambda "Control which events Lambda sends",
 * SNS "Subscription filter policies".
 */

/** A compiled pattern. */
export type Matcher = (value: unknown) => boolean;

/** What is wrong with a pattern, and where. */
export interface PatternFault {
  readonly kind: 'fault';
  /** Field names from the root, joined by dots. */
  readonly path: string;
  readonly message: string;
}

class Fault extends Error {
  readonly path: string;
  constructor(path: readonly string[], message: string) {
    super(message);
    this.path = path.join('.');
  }
}

/** Compiles a pattern as parsed from JSON. */
export function compileEventPattern(pattern: unknown): Matcher | PatternFault {
  try {
    return compileObject(pattern, []);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'fault', path: error.path, message: error.message };
  }
}

export function isPatternFault(value: Matcher | PatternFault): value is PatternFault {
  return typeof value !== 'function';
}

type JsonObject = Readonly<Record<string, unknown>>;
type Path = readonly string[];

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Nesting beyond this is an attack, not a pattern. */
const MAX_DEPTH = 50;

function compileObject(pattern: unknown, path: Path): Matcher {
  if (!isObject(pattern)) throw new Fault(path, 'A pattern must be an object.');
  if (path.length > MAX_DEPTH) throw new Fault(path, 'The pattern is nested too deeply.');
  const keys = Object.keys(pattern);
  if (keys.length === 0) throw new Fault(path, 'A pattern must name at least one field.');
  const tests = keys.map((key) =>
    key === '$or' && isAlternatives(pattern[key])
      ? compileOr(pattern[key], path)
      : compileField(key, pattern[key], path),
  );
  return (value) => {
    // Of a list of objects, one of them must match as a whole.
    if (Array.isArray(value))
      return value.some((each) => isObject(each) && tests.every((test) => test(each)));
    const object = isObject(value) ? value : EMPTY;
    return tests.every((test) => test(object));
  };
}

const EMPTY: JsonObject = Object.freeze({});

/** `$or` is the operator only if its value is a list of two or more patterns; else it is a field of that name. */
function isAlternatives(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

function compileOr(alternatives: readonly unknown[], path: Path): Matcher {
  if (alternatives.length < 2) throw new Fault([...path, '$or'], '$or needs at least two alternatives.');
  const tests = alternatives.map((each) => compileObject(each, [...path, '$or']));
  return (object) => tests.some((test) => test(object));
}

function compileField(key: string, pattern: unknown, path: Path): Matcher {
  const here = [...path, key];
  if (isObject(pattern)) {
    const nested = compileObject(pattern, here);
    return (object) => nested(own(object as JsonObject, key));
  }
  if (!Array.isArray(pattern)) {
    throw new Fault(here, `"${key}" must be an object or an array of values.`);
  }
  if (pattern.length === 0) throw new Fault(here, `"${key}" must have at least one value.`);
  const leaf = compileValues(pattern, here);
  return (object) => leaf(own(object as JsonObject, key));
}

function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The alternatives of one field. */
function compileValues(values: readonly unknown[], path: Path): Matcher {
  const exact = new Set<unknown>();
  const tests: Matcher[] = [];
  let wantsAbsent = false;
  let wantsPresent = false;
  for (const value of values) {
    if (isObject(value)) {
      if ('exists' in value) {
        if (typeof value.exists !== 'boolean') throw new Fault(path, 'exists must be either true or false.');
        onlyKey(value, path);
        if (value.exists) wantsPresent = true;
        else wantsAbsent = true;
      } else tests.push(compileOperator(value, path));
    } else if (Array.isArray(value)) {
      throw new Fault(path, 'A value must not be an array.');
    } else exact.add(value);
  }
  const one: Matcher = (value) => exact.has(value) || tests.some((test) => test(value));
  return (value) => {
    if (value === undefined) return wantsAbsent;
    // `exists` looks at leaves only: an object is not one.
    if (isObject(value)) return wantsAbsent;
    if (wantsPresent) return true;
    return Array.isArray(value) ? value.some(one) : one(value);
  };
}

function onlyKey(operator: JsonObject, path: Path): string {
  const keys = Object.keys(operator);
  if (keys.length !== 1) throw new Fault(path, 'A match expression must have exactly one operator.');
  return keys[0] as string;
}

function compileOperator(operator: JsonObject, path: Path): Matcher {
  const name = onlyKey(operator, path);
  const operand = operator[name];
  switch (name) {
    case 'prefix':
      return affix(operand, path, name, (text, part) => text.startsWith(part));
    case 'suffix':
      return affix(operand, path, name, (text, part) => text.endsWith(part));
    case 'equals-ignore-case': {
      const wanted = needString(operand, path, name).toLowerCase();
      return (value) => typeof value === 'string' && value.toLowerCase() === wanted;
    }
    case 'wildcard':
      return wildcard(needString(operand, path, name), path);
    case 'numeric':
      return numeric(operand, path);
    case 'cidr':
      return cidr(needString(operand, path, name), path);
    case 'anything-but':
      return anythingBut(operand, path);
    default:
      throw new Fault(path, `Unrecognized match type ${name}.`);
  }
}

function needString(operand: unknown, path: Path, name: string): string {
  if (typeof operand !== 'string') throw new Fault(path, `${name} match pattern must be a string.`);
  return operand;
}

/** `"abc"` or `{"equals-ignore-case": "abc"}`. */
function affix(
  operand: unknown,
  path: Path,
  name: string,
  test: (text: string, part: string) => boolean,
): Matcher {
  if (isObject(operand)) {
    if (onlyKey(operand, path) !== 'equals-ignore-case') {
      throw new Fault(path, `${name} takes a string or equals-ignore-case.`);
    }
    const part = needString(operand['equals-ignore-case'], path, name).toLowerCase();
    return (value) => typeof value === 'string' && test(value.toLowerCase(), part);
  }
  const part = needString(operand, path, name);
  return (value) => typeof value === 'string' && test(value, part);
}

/** `*` stands for any run of characters; `\*` and `\\` for themselves. */
function wildcard(pattern: string, path: Path): Matcher {
  const parts: string[] = [''];
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] as string;
    if (character === '\\') {
      const next = pattern[++i];
      if (next !== '*' && next !== '\\') throw new Fault(path, 'Invalid escape character in wildcard.');
      parts[parts.length - 1] += next;
    } else if (character === '*') {
      if (pattern[i + 1] === '*') throw new Fault(path, 'Consecutive wildcard characters.');
      parts.push('');
    } else parts[parts.length - 1] += character;
  }
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  if (parts.length === 1) return (value) => value === first;
  const between = parts.slice(1, -1);
  return (value) => {
    if (typeof value !== 'string' || value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    const end = value.length - last.length;
    let at = first.length;
    for (const part of between) {
      const found = value.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

const COMPARISONS: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};
/** EventBridge: "Values must be between -5.0e9 and +5.0e9 inclusive". */
const NUMERIC_LIMIT = 5e9;

/** `["=", 5]`, `[">", 0]`, `[">=", 0, "<", 10]`. */
function numeric(operand: unknown, path: Path): Matcher {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw new Fault(path, 'numeric must be an operator and a number, or a range of two.');
  }
  const tests: { readonly name: string; readonly bound: number }[] = [];
  for (let i = 0; i < operand.length; i += 2) {
    const [name, bound] = [operand[i], operand[i + 1]];
    if (typeof name !== 'string' || !Object.hasOwn(COMPARISONS, name)) {
      throw new Fault(path, `Unrecognized numeric range operator: ${String(name)}`);
    }
    if (typeof bound !== 'number' || Math.abs(bound) > NUMERIC_LIMIT) {
      throw new Fault(path, `Value of ${name} must be numeric, between -5.0e9 and 5.0e9.`);
    }
    tests.push({ name, bound });
  }
  const [first, second] = tests;
  if (second) {
    const lower = first?.name === '>' || first?.name === '>=';
    const upper = second.name === '<' || second.name === '<=';
    if (!lower || !upper) throw new Fault(path, 'A numeric range goes from > or >= to < or <=.');
    if ((first?.bound ?? 0) >= second.bound) throw new Fault(path, 'Bottom must be less than top.');
  }
  const compiled = tests.map(({ name, bound }) => {
    const compare = COMPARISONS[name] as (value: number, bound: number) => boolean;
    return (value: number) => compare(value, bound);
  });
  return (value) => typeof value === 'number' && compiled.every((test) => test(value));
}

/** A value, a list of values, or one of the operators on strings. Only values that are there can match. */
function anythingBut(operand: unknown, path: Path): Matcher {
  if (isObject(operand)) {
    const name = onlyKey(operand, path);
    const operands = Array.isArray(operand[name]) ? operand[name] : [operand[name]];
    if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(name) || operands.length === 0) {
      throw new Fault(path, `Unsupported anything-but pattern: ${name}`);
    }
    const tests = operands.map((each) => compileOperator({ [name]: each }, path));
    return (value) => !tests.some((test) => test(value));
  }
  const values = Array.isArray(operand) ? operand : [operand];
  if (values.length === 0 || values.some((value) => typeof value === 'object' && value !== null)) {
    throw new Fault(path, 'anything-but takes a value, a list of values, or an operator on strings.');
  }
  const unwanted = new Set(values);
  return (value) => !unwanted.has(value);
}

/** A block of addresses: `10.0.0.0/24`, `2001:db8::/32`. */
function cidr(block: string, path: Path): Matcher {
  const [address = '', length = ''] = block.split('/');
  const network = parseAddress(address);
  const bits = Number(length);
  if (!network || !/^\d{1,3}$/.test(length) || bits > network.bits) {
    throw new Fault(path, `Malformed CIDR: ${block}`);
  }
  const shift = BigInt(network.bits - bits);
  return (value) => {
    const candidate = typeof value === 'string' ? parseAddress(value) : undefined;
    return (
      candidate !== undefined &&
      candidate.bits === network.bits &&
      candidate.value >> shift === network.value >> shift
    );
  };
}

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

function parseAddress(text: string): Address | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    return { bits: 32, value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n) };
  }
  return parseIpv6(text);
}

const IPV6_GROUPS = 8;

function parseIpv6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = IPV6_GROUPS - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return {
    bits: 128,
    value: groups.reduce((value, group) => (value << 16n) | BigInt(Number.parseInt(group, 16)), 0n),
  };
}
