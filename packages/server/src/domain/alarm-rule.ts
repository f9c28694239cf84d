/**
 * Rules of composite alarms: `ALARM(a) AND NOT (OK("b") OR FALSE)`. Bounded in length, children, elements and
 * depth. Source: PutCompositeAlarm, AlarmRule.
 */
import { type AlarmStateValue, alarmNameOf } from './alarm.ts';

export type RuleNode =
  | { readonly kind: 'state'; readonly name: string; readonly state: AlarmStateValue }
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'not'; readonly operand: RuleNode }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly RuleNode[] };

export class RuleError extends Error {
  override readonly name = 'RuleError';
}

const MAX_CHILDREN = 100;
const MAX_ELEMENTS = 500;
const MAX_DEPTH = 50;
const TOKEN =
  /\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|'([^']*)'|([^\s()"']+))\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))/y;

interface Token {
  readonly text: string;
  readonly name?: string;
}

/** @throws RuleError */
export function parseRule(rule: string): RuleNode {
  const tokens = tokenize(rule);
  let at = 0;
  let depth = 0;
  const take = (text: string) => tokens[at]?.text === text && tokens[at]?.name === undefined && ++at > 0;
  const fail = (expected: string): never => {
    throw new RuleError(`Invalid AlarmRule: expected ${expected}, found ${tokens[at]?.text ?? 'the end'}`);
  };

  function chain(kind: 'or' | 'and'): RuleNode {
    const parts: RuleNode[] = [];
    do parts.push(kind === 'or' ? chain('and') : primary());
    while (take(kind === 'or' ? 'OR' : 'AND'));
    return parts.length === 1 ? (parts[0] as RuleNode) : { kind, parts };
  }
  function primary(): RuleNode {
    if (++depth > MAX_DEPTH)
      throw new RuleError(`Invalid AlarmRule: nested too deeply, ${MAX_DEPTH} levels at most`);
    const node = element();
    depth--;
    return node;
  }
  function element(): RuleNode {
    const token = tokens[at];
    if (token?.name !== undefined) {
      at++;
      return { kind: 'state', name: alarmNameOf(token.name), state: token.text as AlarmStateValue };
    }
    if (take('NOT')) return { kind: 'not', operand: primary() };
    if (take('TRUE')) return { kind: 'constant', value: true };
    if (take('FALSE')) return { kind: 'constant', value: false };
    if (!take('(')) fail('a condition');
    const inner = chain('or');
    if (!take(')')) fail("')'");
    return inner;
  }

  const node = chain('or');
  if (at < tokens.length) fail('AND, OR or the end');
  const children = new Set(childrenOf(node));
  if (children.size > MAX_CHILDREN)
    throw new RuleError(`Invalid AlarmRule: more than ${MAX_CHILDREN} alarms`);
  return node;
}

function tokenize(rule: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = rule.trimEnd().length;
  let at = 0;
  while (at < end) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(rule);
    if (!found) throw new RuleError(`Invalid AlarmRule: cannot read '${rule.slice(at, at + 20).trim()}'`);
    const [whole, state, double, single, bare, word, bracket] = found;
    tokens.push(
      state ? { text: state, name: double ?? single ?? bare ?? '' } : { text: (word ?? bracket) as string },
    );
    if (tokens.length > MAX_ELEMENTS)
      throw new RuleError(`Invalid AlarmRule: more than ${MAX_ELEMENTS} elements`);
    at += whole.length;
  }
  return tokens;
}

export function childrenOf(node: RuleNode): string[] {
  switch (node.kind) {
    case 'state':
      return [node.name];
    case 'constant':
      return [];
    case 'not':
      return childrenOf(node.operand);
    default:
      return node.parts.flatMap(childrenOf);
  }
}

/** @param stateOf undefined for an alarm that does not exist: no condition on it holds */
export function evaluateRule(
  node: RuleNode,
  stateOf: (name: string) => AlarmStateValue | undefined,
): boolean {
  switch (node.kind) {
    case 'state':
      return stateOf(node.name) === node.state;
    case 'constant':
      return node.value;
    case 'not':
      return !evaluateRule(node.operand, stateOf);
    case 'and':
      return node.parts.every((part) => evaluateRule(part, stateOf));
    case 'or':
      return node.parts.some((part) => evaluateRule(part, stateOf));
  }
}
