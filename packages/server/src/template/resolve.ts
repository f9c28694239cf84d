/**
 * Intrinsic functions: what a node refers to, and its value once those are known.
 * `Ref` and `Fn::GetAtt` of a resource ask the scope; pseudo parameters are always known.
 */
import type { Json } from '../store/store.ts';
import type { Node } from './parse-yaml.ts';
import { isIntrinsic } from './shape.ts';
import type { Problem } from './template-error.ts';

/** What is known of a resource that exists: its `Ref` value and its attributes. */
export interface ResolvedResource {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Scope {
  /** Pseudo parameters by name: `AWS::Region`. */
  readonly pseudo: Readonly<Record<string, string>>;
  resource(logicalId: string): ResolvedResource | undefined;
}

/** A place where a node names something else. */
interface Mention {
  readonly name: string;
  readonly attribute?: string;
  readonly node: Node;
}

const VARIABLE = /\$\{(!?)([^}]*)\}/g;

const PSEUDO_PARAMETERS = [
  'AWS::AccountId',
  'AWS::Region',
  'AWS::Partition',
  'AWS::URLSuffix',
  'AWS::StackName',
];
/** `Ref` to it leaves the property out. */
const NO_VALUE = 'AWS::NoValue';

/** Names of everything the node refers to, pseudo parameters left out. */
export function listReferences(node: Node): Mention[] {
  const mentions: Mention[] = [];
  collect(node, mentions);
  return mentions.filter(({ name }) => !name.startsWith('AWS::'));
}

/** What is wrong with the references of a node, before anything is made. */
export function checkReferences(node: Node, known: (logicalId: string) => boolean, path: string): Problem[] {
  const mentions: Mention[] = [];
  const problems: Problem[] = [];
  collect(node, mentions, (message, at) => problems.push({ message: `${path}: ${message}`, at: at.at }));
  for (const { name, node: where } of mentions) {
    const fine = name.startsWith('AWS::')
      ? name === NO_VALUE || PSEUDO_PARAMETERS.includes(name)
      : known(name);
    if (!fine)
      problems.push({ message: `${path}: '${name}' is not a resource of this template`, at: where.at });
  }
  return problems;
}

function collect(
  node: Node,
  out: Mention[],
  complain: (message: string, at: Node) => void = () => undefined,
): void {
  if (node.kind === 'list') for (const item of node.items) collect(item, out, complain);
  if (node.kind !== 'map') return;
  if (!isIntrinsic(node)) {
    for (const { value } of node.entries.values()) collect(value, out, complain);
    return;
  }
  const [[name, { value }]] = node.entries as unknown as [[string, { value: Node }]];
  if (name === 'Ref') {
    if (value.kind === 'scalar' && typeof value.value === 'string')
      out.push({ name: value.value, node: value });
    else complain('Ref: expected a name', value);
  } else if (name === 'Fn::GetAtt') {
    const [resource, attribute] = attributePath(value);
    if (resource && attribute) out.push({ name: resource, attribute, node: value });
    else complain('Fn::GetAtt: expected Resource.Attribute', value);
  } else if (name === 'Fn::Sub') {
    const sub = readSub(value);
    if (!sub) {
      complain('Fn::Sub: expected a text, or a list of a text and a map', value);
      return;
    }
    for (const inner of sub.variables.values()) collect(inner, out, complain);
    for (const [, literal, variable = ''] of sub.text.matchAll(VARIABLE)) {
      if (literal || sub.variables.has(variable)) continue;
      const [resource = '', attribute] = splitAttribute(variable);
      out.push({ name: resource, attribute, node: value });
    }
  } else {
    complain(`${name} is not supported; supported: Ref, Fn::GetAtt, Fn::Sub`, node);
  }
}

/** The node as plain JSON; `undefined` where it is `AWS::NoValue`. Everything it names must be in the scope. */
export function resolveNode(node: Node, scope: Scope): Json | undefined {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') {
    return node.items.map((item) => resolveNode(item, scope)).filter((item) => item !== undefined);
  }
  if (!isIntrinsic(node)) {
    const out: { [key: string]: Json | undefined } = Object.create(null);
    for (const [key, { value }] of node.entries) {
      const resolved = resolveNode(value, scope);
      if (resolved !== undefined) out[key] = resolved;
    }
    return { ...out };
  }
  const [[name, { value }]] = node.entries as unknown as [[string, { value: Node }]];
  if (name === 'Ref') {
    const target = value.kind === 'scalar' ? String(value.value) : '';
    return target === NO_VALUE ? undefined : lookUp(target, undefined, scope);
  }
  if (name === 'Fn::GetAtt') {
    const [resource = '', attribute] = attributePath(value);
    return lookUp(resource, attribute, scope);
  }
  const sub = readSub(value) ?? { text: '', variables: new Map() };
  return sub.text.replace(VARIABLE, (_, literal: string, variable: string) => {
    if (literal) return `\${${variable}}`;
    const own = sub.variables.get(variable);
    if (own) return String(resolveNode(own, scope) ?? '');
    const [resource = '', attribute] = splitAttribute(variable);
    return lookUp(resource, attribute, scope);
  });
}

function lookUp(name: string, attribute: string | undefined, scope: Scope): string {
  if (attribute === undefined && Object.hasOwn(scope.pseudo, name)) return scope.pseudo[name] as string;
  const resource = scope.resource(name);
  if (!resource) throw new Error(`'${name}' is not known yet`);
  if (attribute === undefined) return resource.ref;
  const value = resource.attributes[attribute];
  if (value === undefined) {
    const known = Object.keys(resource.attributes).join(', ');
    throw new Error(`${name} has no attribute '${attribute}'; it has ${known}`);
  }
  return value;
}

function splitAttribute(path: string): [string, string | undefined] {
  const dot = path.indexOf('.');
  return dot === -1 ? [path, undefined] : [path.slice(0, dot), path.slice(dot + 1)];
}

function attributePath(node: Node): [string?, string?] {
  if (node.kind === 'scalar' && typeof node.value === 'string') return splitAttribute(node.value);
  if (node.kind !== 'list') return [];
  const parts = node.items.map((item) => (item.kind === 'scalar' ? String(item.value) : ''));
  return [parts[0], parts.slice(1).join('.') || undefined];
}

function readSub(node: Node): { text: string; variables: ReadonlyMap<string, Node> } | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'string')
    return { text: node.value, variables: new Map() };
  if (node.kind !== 'list' || node.items.length !== 2) return undefined;
  const [text, map] = node.items;
  if (text?.kind !== 'scalar' || map?.kind !== 'map') return undefined;
  const variables = new Map([...map.entries].map(([name, { value }]) => [name, value]));
  return { text: String(text.value), variables };
}
