/** A scenario file as it is understood, or everything that is wrong with it, each with line and column. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { checkFault } from '../domain/fault-rule.ts';
import { toFaultInput } from '../faults/fault-schema.ts';
import { nearest } from './nearest.ts';
import { type Scenario, ScenarioHead, STEPS, type Step, type Verb } from './scenario-schema.ts';

export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

type Path = readonly PropertyKey[];

/** Throws a ScenarioError whose message has one line for each problem: `file:line:column: …`. */
export function readScenario(file: string, shownAs = file): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ScenarioError(`${shownAs}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseScenario(text, file, shownAs);
}

export function parseScenario(text: string, file: string, shownAs = file): Scenario {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const problems: { offset: number; message: string }[] = [];
  const fail = () => {
    problems.sort((a, b) => a.offset - b.offset);
    const shown = problems.map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset);
      return `${shownAs}:${line}:${col}: ${message}`;
    });
    throw new ScenarioError(shown.join('\n'));
  };
  for (const { message, pos } of document.errors) problems.push({ offset: pos[0], message });
  if (problems.length > 0) fail();

  /** Where a path begins: the key of a member, the value of an item. */
  const offsetOf = (path: Path): number => {
    for (let length = path.length; length > 0; length--) {
      const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
      const key = path[length - 1];
      if (isMap(parent)) {
        const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key);
        if (pair && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
      }
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  };
  const complain = (path: Path, message: string) => problems.push({ offset: offsetOf(path), message });
  const check = <S extends z.ZodType>(schema: S, value: unknown, path: Path): z.infer<S> | undefined => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) explain(issue, schema, path, complain);
    return undefined;
  };

  const value: unknown = document.toJS() ?? {};
  const whole = typeof value === 'object' && value !== null ? { ...value, $schema: undefined } : value;
  if (typeof whole === 'object' && whole !== null) delete (whole as { $schema?: unknown }).$schema;
  const head = check(ScenarioHead, whole, []);
  const items = (value as { steps?: unknown }).steps;
  const steps = (Array.isArray(items) ? items : []).flatMap((item: unknown, index): Step[] => {
    const path = ['steps', index];
    const verb = verbOf(item);
    if (verb === undefined) {
      complain(path, explainVerb(item));
      return [];
    }
    const step = check(STEPS[verb] as z.ZodType, item, path);
    if (verb === 'fault' && step) checkRule((step as { fault: never }).fault, [...path, 'fault'], complain);
    return step === undefined ? [] : [{ verb, step } as Step];
  });
  for (const [index, rule] of (head?.faults ?? []).entries()) checkRule(rule, ['faults', index], complain);
  checkLabels(head?.expect, steps, complain);
  if (problems.length > 0 || !head) fail();
  const { name, description, template, seed, startAt, faults, expect } = head as NonNullable<typeof head>;
  return {
    name: name ?? basename(file).replace(/(\.scenario)?\.ya?ml$/, ''),
    description: description ?? '',
    file,
    templates: [template ?? []].flat().map((path) => resolve(dirname(file), path)),
    seed: seed ?? 1,
    startAt,
    faults: faults ?? [],
    steps,
    expect: expect ?? {},
  };
}

const VERBS = Object.keys(STEPS) as Verb[];

/** `fault` is also a member of `invoke`, so a map's first member decides. */
function verbOf(item: unknown): Verb | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  return Object.keys(item).find((key): key is Verb => (VERBS as string[]).includes(key));
}

function explainVerb(item: unknown): string {
  const expected = `expected a step with one of ${VERBS.join(', ')}`;
  if (typeof item !== 'object' || item === null) return `${expected}, found ${describe(item)}`;
  const [key = ''] = Object.keys(item);
  const meant = nearest(key, VERBS);
  return `${expected}, found '${key}'${meant ? `; did you mean '${meant}'?` : ''}`;
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `'${String(value)}'`;
}

type Complain = (path: Path, message: string) => void;

function explain(issue: z.core.$ZodIssue, schema: z.ZodType, base: Path, complain: Complain): void {
  const path = [...base, ...issue.path];
  const where = path.filter((part) => typeof part === 'string').join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    for (const key of issue.keys) {
      const meant = nearest(key, known);
      complain(
        [...path, key],
        `${where ? `${where}: ` : ''}expected one of ${known.join(', ')}, found '${key}'${meant ? `; did you mean '${meant}'?` : ''}`,
      );
    }
    return;
  }
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    const found = typeof issue.input === 'string' ? nearest(issue.input, values) : undefined;
    complain(
      path,
      `${where}: expected one of ${values.join(', ')}, found ${describe(issue.input)}${found ? `; did you mean '${found}'?` : ''}`,
    );
    return;
  }
  if (issue.code === 'invalid_union') {
    const kinds = issue.errors.flatMap((branch) =>
      branch.filter(({ path: inner }) => inner.length === 0).map(({ message }) => message),
    );
    const deeper = issue.errors.find((branch) => branch.some(({ path: inner }) => inner.length > 0));
    if (deeper) for (const inner of deeper) explain(inner, schema, [...path], complain);
    else complain(path, `${where}: ${[...new Set(kinds)].join(', or ')}`);
    return;
  }
  complain(path, `${where ? `${where}: ` : ''}${issue.message}`);
}

/** The members a map may have at a path; of alternatives, those of all. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let current: AnySchema[] = [schema as AnySchema];
  for (const part of path) current = current.flatMap((each) => into(each, part));
  return [...new Set(current.flatMap((each) => Object.keys(bare(each).flatMap(shapeOf)[0] ?? {})))];
}

interface AnySchema {
  readonly def: {
    readonly type: string;
    readonly innerType?: AnySchema;
    readonly options?: readonly AnySchema[];
    readonly shape?: Readonly<Record<string, AnySchema>>;
    readonly element?: AnySchema;
    readonly valueType?: AnySchema;
  };
}

function bare(schema: AnySchema): AnySchema[] {
  if (schema.def.innerType) return bare(schema.def.innerType);
  if (schema.def.options) return schema.def.options.flatMap(bare);
  return [schema];
}

const shapeOf = (schema: AnySchema) => (schema.def.shape ? [schema.def.shape] : []);

function into(schema: AnySchema, part: PropertyKey): AnySchema[] {
  return bare(schema).flatMap(({ def }) => {
    if (def.shape) return def.shape[String(part)] ?? [];
    return def.element ?? def.valueType ?? [];
  });
}

function checkRule(rule: Parameters<typeof toFaultInput>[0], path: Path, complain: Complain): void {
  for (const problem of checkFault(toFaultInput(rule))) {
    complain([...path, problem.split(/[.:]/, 1)[0] as string], problem);
  }
}

/** Expectations may only speak of what a step has named. */
function checkLabels(
  expect: Scenario['expect'] | undefined,
  steps: readonly Step[],
  complain: Complain,
): void {
  const labels = steps.flatMap(({ verb, step }) => {
    const { as } = step as { as?: string };
    return as ?? (verb === 'invoke' ? (step as { invoke: string }).invoke : []);
  });
  for (const part of ['events', 'results'] as const) {
    for (const label of Object.keys(expect?.[part] ?? {})) {
      if (labels.includes(label)) continue;
      const meant = nearest(label, labels);
      complain(
        ['expect', part, label],
        `expect.${part}: no step is named '${label}'${meant ? `; did you mean '${meant}'?` : ''}`,
      );
    }
  }
}
