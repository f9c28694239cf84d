/**
 * Checks of a decoded input against the model and its facts, in AWS's words. Compiled once per operation;
 * a valid input costs no allocation for its top-level members.
 */
import { type Facts, factsOf } from './constraints.ts';
import { DIALECTS } from './dialect.ts';
import type { Member, Operation, Shape, StructureShape } from './model.ts';
import type { ServiceName } from './operation.ts';
import type { Members } from './wire.ts';

/** Where a value stands, for messages only. */
interface Place {
  readonly parent?: Place;
  readonly member?: Member;
  /** Position in a list, from 1; key of a map. */
  readonly index?: number | string;
}

interface Found {
  readonly violations: string[];
  /** Place of a required member that is absent, on services that have words of their own for it. */
  readonly missing: Place[];
}

type Check = (value: unknown, place: Place | undefined, found: Found) => void;

/** Compiles the check of an operation's input; it throws the service's own refusal. */
export function compileValidator(operation: Operation): (input: Members) => void {
  const dialect = DIALECTS[operation.service];
  const check = new Compiler(operation.service, dialect.missing !== undefined).check(operation.input);
  if (!check) return () => undefined;
  return (input) => {
    const found: Found = { violations: [], missing: [] };
    check(input, undefined, found);
    if (found.missing.length > 0 && dialect.missing) {
      throw dialect.missing(wirePath(found.missing[0]!), operation.name);
    }
    if (found.violations.length > 0) throw dialect.invalid(found.violations);
  };
}

/** `destinationConfig.onFailure.destination`, `metricData.1.member.metricName`. */
function messagePath(place: Place): string {
  const { parent, member, index } = place;
  const own = member ? member.name.charAt(0).toLowerCase() + member.name.slice(1) : `${index}.member`;
  return parent ? `${messagePath(parent)}.${own}` : own;
}

/** As the query protocol names it: `MetricData.member.1.MetricName`, `SendMessageBatchRequestEntry.1.Id`. */
function wirePath(place: Place): string {
  const { parent, member, index } = place;
  const own = member
    ? (member.xmlName ?? member.name)
    : parent?.member?.flattened
      ? `${index}`
      : `member.${index}`;
  return parent ? `${wirePath(parent)}.${own}` : own;
}

/** Java's toString of the value, as AWS prints it. */
function printValue(value: unknown, shape: Shape): string {
  if (value === null || value === undefined) return 'null';
  if (shape.kind === 'list') {
    return `[${(value as unknown[]).map((each) => printValue(each, shape.member.shape)).join(', ')}]`;
  }
  if (shape.kind === 'map') {
    const entries = Object.entries(value as Members);
    return `{${entries.map(([key, each]) => `${key}=${printValue(each, shape.value.shape)}`).join(', ')}}`;
  }
  if (shape.kind === 'structure' || shape.kind === 'union') {
    const members = shape.members.map(({ name, shape: inner }) => {
      const label = name.charAt(0).toLowerCase() + name.slice(1);
      return `${label}=${printValue((value as Members)[name], inner)}`;
    });
    return `${shape.name}(${members.join(', ')})`;
  }
  if (shape.kind === 'blob')
    return `java.nio.HeapByteBuffer[pos=0 lim=${(value as Buffer).length} cap=${(value as Buffer).length}]`;
  return String(value);
}

function violation(value: unknown, shape: Shape, place: Place, constraint: string): string {
  const printed = value === null || value === undefined ? 'null' : `'${printValue(value, shape)}'`;
  return `Value ${printed} at '${messagePath(place)}' failed to satisfy constraint: ${constraint}`;
}

interface Rule {
  readonly holds: (value: never) => boolean;
  readonly text: string;
}

const NOT_NULL = 'Member must not be null';

/** Upper bounds first, then lower, pattern, enum: the order of recorded messages. */
function rulesOf(facts: Facts, shape: Shape): Rule[] {
  const rules: Rule[] = [];
  const size = sizeOf(shape);
  const [minLength, maxLength] = facts.length ?? [];
  if (maxLength !== undefined) {
    rules.push({
      holds: (value) => size(value) <= maxLength,
      text: `Member must have length less than or equal to ${maxLength}`,
    });
  }
  if (minLength !== undefined) {
    rules.push({
      holds: (value) => size(value) >= minLength,
      text: `Member must have length greater than or equal to ${minLength}`,
    });
  }
  const [min, max] = facts.range ?? [];
  if (max !== undefined) {
    rules.push({
      holds: (value: number) => value <= max,
      text: `Member must have value less than or equal to ${bound(max, facts)}`,
    });
  }
  if (min !== undefined) {
    rules.push({
      holds: (value: number) => value >= min,
      text: `Member must have value greater than or equal to ${bound(min, facts)}`,
    });
  }
  if (facts.pattern !== undefined) {
    // Classes of characters by property need the `u` flag; the other patterns are not written for it.
    const expression = new RegExp(`^(?:${facts.pattern})$`, facts.pattern.includes('\\p{') ? 'su' : 's');
    rules.push({
      holds: (value: string) => expression.test(value),
      text: `Member must satisfy regular expression pattern: ${facts.pattern}`,
    });
  }
  if (facts.values !== undefined) {
    const set = new Set(facts.values);
    rules.push({
      holds: (value: string) => set.has(value),
      text: `Member must satisfy enum value set: [${facts.values.join(', ')}]`,
    });
  }
  return rules;
}

/** Bounds of doubles are printed as doubles: `1.0`. */
function bound(value: number, facts: Facts): string {
  return facts.double && Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function sizeOf(shape: Shape): (value: never) => number {
  if (shape.kind === 'map') return (value: Members) => Object.keys(value).length;
  return (value: { length: number }) => value.length;
}

class Compiler {
  readonly #service: ServiceName;
  readonly #ownWordsForMissing: boolean;
  readonly #known = new Map<Shape, Check | undefined>();

  constructor(service: ServiceName, ownWordsForMissing: boolean) {
    this.#service = service;
    this.#ownWordsForMissing = ownWordsForMissing;
  }

  /** The check of a structure; undefined when nothing in it can be wrong. */
  check(shape: StructureShape): Check | undefined {
    if (this.#known.has(shape)) return this.#known.get(shape);
    // A structure that contains itself looks its own finished check up.
    this.#known.set(shape, (value, place, found) => this.#known.get(shape)?.(value, place, found));
    const members = shape.members
      .map((member) => [member, this.#member(shape, member)] as const)
      .filter(([member, check]) => check !== undefined || member.required);
    const compiled: Check | undefined =
      members.length === 0
        ? undefined
        : (value, parent, found) => {
            for (const [member, check] of members) {
              const each = (value as Members)[member.name];
              if (each === undefined) {
                if (!member.required) continue;
                const place = parent ? { parent, member } : { member };
                if (this.#ownWordsForMissing) found.missing.push(place);
                else found.violations.push(violation(undefined, member.shape, place, NOT_NULL));
              } else if (check) check(each, parent, found);
            }
          };
    this.#known.set(shape, compiled);
    return compiled;
  }

  #member(owner: StructureShape, member: Member): Check | undefined {
    const facts = factsOf(this.#service, owner.name, member.name) ?? {};
    const { shape } = member;
    const rules = rulesOf(facts, shape);
    const inner = this.#inner(member, facts);
    if (rules.length === 0 && !inner) return undefined;
    return (value, parent, found) => {
      for (const rule of rules) {
        if (!rule.holds(value as never)) {
          const place = parent ? { parent, member } : { member };
          found.violations.push(violation(value, shape, place, rule.text));
        }
      }
      if (inner) inner(value, parent, found);
    };
  }

  #inner(member: Member, facts: Facts): Check | undefined {
    const { shape } = member;
    if (shape.kind === 'structure' || shape.kind === 'union') {
      const check = this.check(shape);
      return (
        check && ((value, parent, found) => check(value, parent ? { parent, member } : { member }, found))
      );
    }
    if (shape.kind === 'list') return this.#list(member, shape.member.shape, facts);
    if (shape.kind === 'map') return this.#map(member, shape.value.shape, facts);
    return undefined;
  }

  /** Elements that are structures are checked one by one; simple ones together, as AWS reports them. */
  #list(member: Member, element: Shape, facts: Facts): Check {
    const rules = facts.each ? rulesOf(facts.each, element) : [];
    const constraint = `Member must satisfy constraint: [${[...rules.map((rule) => rule.text), NOT_NULL].join(', ')}]`;
    const check = element.kind === 'structure' || element.kind === 'union' ? this.check(element) : undefined;
    return (value, parent, found) => {
      const list = value as unknown[];
      const broken = list.some((each) => each === null || rules.some((rule) => !rule.holds(each as never)));
      if (broken) {
        const place = parent ? { parent, member } : { member };
        found.violations.push(violation(value, member.shape, place, constraint));
      } else if (check) {
        const place = parent ? { parent, member } : { member };
        for (let i = 0; i < list.length; i++) check(list[i], { parent: place, index: i + 1 }, found);
      }
    };
  }

  #map(member: Member, element: Shape, facts: Facts): Check {
    const keyRules = facts.keys ? rulesOf(facts.keys, { kind: 'string', name: 'string' }) : [];
    const valueRules = facts.each ? rulesOf(facts.each, element) : [];
    const words = (of: string, rules: Rule[], last: string[]) =>
      `Map ${of} must satisfy constraint: [${[...rules.map((rule) => rule.text), ...last].join(', ')}]`;
    const check = element.kind === 'structure' || element.kind === 'union' ? this.check(element) : undefined;
    return (value, parent, found) => {
      const entries = Object.entries(value as Members);
      const place = () => (parent ? { parent, member } : { member });
      if (entries.some(([key]) => keyRules.some((rule) => !rule.holds(key as never)))) {
        found.violations.push(violation(value, member.shape, place(), words('keys', keyRules, [])));
      }
      if (
        entries.some(([, each]) => each === null || valueRules.some((rule) => !rule.holds(each as never)))
      ) {
        found.violations.push(
          violation(value, member.shape, place(), words('value', valueRules, [NOT_NULL])),
        );
      } else if (check) {
        for (const [key, each] of entries) check(each, { parent: place(), index: key }, found);
      }
    };
  }
}
