/**
 * Checks nodes against what a section or resource type may hold, by tables: names of members and the kind of
 * their value. A name that is not in the table is a problem of its own, with the names that would be right.
 */
import type { MapNode, Node } from './parse-yaml.ts';
import type { Problem } from './template-error.ts';

/** `any` is looked at by whoever uses it; a record describes a map with exactly those members. */
export type Shape =
  | 'text'
  | 'number'
  | 'flag'
  | 'any'
  /** A map of names to texts. */
  | 'texts'
  /** A list of values of one shape. */
  | readonly [Shape]
  | { readonly [member: string]: Shape };

/** A map with one member `Ref` or `Fn::…` stands for a value that is known later. */
export function isIntrinsic(node: Node): node is MapNode {
  if (node.kind !== 'map' || node.entries.size !== 1) return false;
  const [name] = node.entries.keys();
  return name === 'Ref' || (name as string).startsWith('Fn::');
}

/** @param path what to call the node in a complaint: `Resources.Orders.Properties` */
export function checkShape(node: Node, shape: Shape, path: string, problems: Problem[]): void {
  if (shape === 'any' || isIntrinsic(node)) return;
  if (typeof shape === 'string' && shape !== 'texts') {
    checkScalar(node, shape, path, problems);
    return;
  }
  if (isList(shape)) {
    if (node.kind !== 'list') {
      problems.push({ message: `${path}: expected a list, found ${describe(node)}`, at: node.at });
      return;
    }
    for (const [index, item] of node.items.entries())
      checkShape(item, shape[0], `${path}[${index}]`, problems);
    return;
  }
  if (node.kind !== 'map') {
    problems.push({ message: `${path}: expected a map, found ${describe(node)}`, at: node.at });
    return;
  }
  for (const [name, { keyAt, value }] of node.entries) {
    if (shape === 'texts') {
      checkShape(value, 'text', `${path}.${name}`, problems);
      continue;
    }
    const member = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (member === undefined) {
      const known = Object.keys(shape).join(', ');
      problems.push({ message: `${path}.${name} is not supported; supported: ${known}`, at: keyAt });
    } else {
      checkShape(value, member, `${path}.${name}`, problems);
    }
  }
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function checkScalar(node: Node, shape: 'text' | 'number' | 'flag', path: string, problems: Problem[]): void {
  const value = node.kind === 'scalar' ? node.value : undefined;
  const fits =
    value !== undefined &&
    value !== null &&
    (shape === 'text' ||
      (shape === 'number'
        ? value !== '' && Number.isFinite(Number(value)) && typeof value !== 'boolean'
        : value === true || value === false || value === 'true' || value === 'false'));
  if (!fits) {
    const expected = { text: 'a text', number: 'a number', flag: 'true or false' }[shape];
    problems.push({ message: `${path}: expected ${expected}, found ${describe(node)}`, at: node.at });
  }
}

function describe(node: Node): string {
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : 'a list';
  return node.value === null ? 'nothing' : `'${String(node.value)}'`;
}
