/**
 * A template as it is understood: sections checked, Globals merged into the functions, every resource of a
 * supported type. Anything else is named and refused before anything happens.
 */
import type { Entry, MapNode, Node } from './parse-yaml.ts';
import { parseYaml } from './parse-yaml.ts';
import { RESOURCE_SHAPES } from './resource-shapes.ts';
import { checkShape } from './shape.ts';
import { type Place, type Problem, TemplateError } from './template-error.ts';

export interface ResourceDeclaration {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: MapNode;
  readonly dependsOn: readonly string[];
  readonly at: Place;
}

export interface Template {
  /** As it is named in messages. */
  readonly file: string;
  readonly resources: ReadonlyMap<string, ResourceDeclaration>;
  /** By name: the node of its `Value`. */
  readonly outputs: ReadonlyMap<string, Node>;
}

const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Transform',
  'Description',
  'Metadata',
  'Globals',
  'Resources',
  'Outputs',
];
const RESOURCE_MEMBERS = [
  'Type',
  'Properties',
  'DependsOn',
  'Metadata',
  'DeletionPolicy',
  'UpdateReplacePolicy',
];
/** Source: CloudFormation, "Resources section structure". */
const LOGICAL_ID = /^[A-Za-z0-9]+$/;

/** Rejects by throwing a TemplateError that lists every problem. */
export function readTemplate(file: string, text: string): Template {
  const parsed = parseYaml(text);
  if (parsed.kind === 'invalid') throw new TemplateError(file, parsed.problems);
  const problems: Problem[] = [];
  const root = requireMap(parsed.root, 'the template', problems);
  const section = (name: string) => root.entries.get(name)?.value;

  for (const [name, { keyAt }] of root.entries) {
    if (!SECTIONS.includes(name)) {
      problems.push({
        message: `section ${name} is not supported; supported: ${SECTIONS.join(', ')}`,
        at: keyAt,
      });
    }
  }
  checkTransform(section('Transform'), problems);
  const globals = readGlobals(section('Globals'), problems);
  const declared = section('Resources');
  const resources = new Map<string, ResourceDeclaration>();
  if (!declared) problems.push({ message: 'expected a section Resources, found none', at: parsed.root.at });
  else {
    for (const [logicalId, entry] of requireMap(declared, 'Resources', problems).entries) {
      const resource = readResource(logicalId, entry, globals, problems);
      if (resource) resources.set(logicalId, resource);
    }
  }
  const outputs = new Map<string, Node>();
  const outputSection = section('Outputs');
  if (outputSection) {
    for (const [name, { value, keyAt }] of requireMap(outputSection, 'Outputs', problems).entries) {
      const node = value.kind === 'map' ? value.entries.get('Value')?.value : undefined;
      if (node) outputs.set(name, node);
      else problems.push({ message: `Outputs.${name}: expected a Value, found none`, at: keyAt });
    }
  }
  for (const { dependsOn, logicalId, at } of resources.values()) {
    for (const other of dependsOn) {
      if (!resources.has(other))
        problems.push({ message: `${logicalId} depends on ${other}, which is not a resource`, at });
    }
  }
  if (problems.length > 0) throw new TemplateError(file, problems);
  return { file, resources, outputs };
}

function checkTransform(node: Node | undefined, problems: Problem[]): void {
  if (!node) return;
  const names = node.kind === 'list' ? node.items : [node];
  for (const name of names) {
    const value = name.kind === 'scalar' ? name.value : undefined;
    if (value !== 'AWS::Serverless-2016-10-31') {
      problems.push({
        message: `Transform: expected AWS::Serverless-2016-10-31, found '${String(value)}'`,
        at: name.at,
      });
    }
  }
}

function readGlobals(node: Node | undefined, problems: Problem[]): MapNode | undefined {
  if (!node) return undefined;
  const globals = requireMap(node, 'Globals', problems);
  for (const [name, { keyAt }] of globals.entries) {
    if (name !== 'Function')
      problems.push({ message: `Globals.${name} is not supported; supported: Function`, at: keyAt });
  }
  const found = globals.entries.get('Function')?.value;
  if (!found) return undefined;
  const shape = RESOURCE_SHAPES['AWS::Serverless::Function'];
  if (shape) checkShape(found, shape, 'Globals.Function', problems);
  return requireMap(found, 'Globals.Function', problems);
}

function readResource(
  logicalId: string,
  entry: Entry,
  globals: MapNode | undefined,
  problems: Problem[],
): ResourceDeclaration | undefined {
  const path = `Resources.${logicalId}`;
  if (!LOGICAL_ID.test(logicalId)) {
    problems.push({ message: `${path}: a logical id has letters and digits only`, at: entry.keyAt });
  }
  const node = requireMap(entry.value, path, problems);
  const typeNode = node.entries.get('Type')?.value;
  const type = typeNode?.kind === 'scalar' ? String(typeNode.value) : undefined;
  if (type === undefined) {
    problems.push({ message: `${path}: expected a Type, found none`, at: entry.keyAt });
    return undefined;
  }
  const shape = RESOURCE_SHAPES[type];
  if (!shape) {
    const supported = Object.keys(RESOURCE_SHAPES).join(', ');
    problems.push({
      message: `${path}: ${type} is not supported; supported: ${supported}`,
      at: typeNode?.at,
    });
    return undefined;
  }
  for (const [name, { keyAt }] of node.entries) {
    if (!RESOURCE_MEMBERS.includes(name)) {
      problems.push({
        message: `${path}.${name} is not supported; supported: ${RESOURCE_MEMBERS.join(', ')}`,
        at: keyAt,
      });
    }
  }
  const empty: MapNode = { kind: 'map', entries: new Map(), at: entry.keyAt };
  const given = node.entries.get('Properties')?.value;
  const properties = given ? requireMap(given, `${path}.Properties`, problems) : empty;
  checkShape(properties, shape, `${path}.Properties`, problems);
  return {
    logicalId,
    type,
    properties:
      type === 'AWS::Serverless::Function' && globals ? mergeGlobals(globals, properties) : properties,
    dependsOn: readDependsOn(node.entries.get('DependsOn')?.value, path, problems),
    at: entry.keyAt,
  };
}

function readDependsOn(node: Node | undefined, path: string, problems: Problem[]): string[] {
  if (!node) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    if (item.kind === 'scalar' && typeof item.value === 'string') return [item.value];
    problems.push({ message: `${path}.DependsOn: expected logical ids`, at: item.at });
    return [];
  });
}

/** Maps are merged, lists are joined, the resource's own scalars win. Source: SAM, "Globals section". */
function mergeGlobals(globals: MapNode, own: MapNode): MapNode {
  const entries = new Map(globals.entries);
  for (const [name, entry] of own.entries) {
    const inherited = entries.get(name)?.value;
    entries.set(name, inherited ? { ...entry, value: mergeNodes(inherited, entry.value) } : entry);
  }
  return { ...own, entries };
}

function mergeNodes(inherited: Node, own: Node): Node {
  if (inherited.kind === 'map' && own.kind === 'map') return mergeGlobals(inherited, own);
  if (inherited.kind === 'list' && own.kind === 'list')
    return { ...own, items: [...inherited.items, ...own.items] };
  return own;
}

function requireMap(node: Node, path: string, problems: Problem[]): MapNode {
  if (node.kind === 'map') return node;
  problems.push({ message: `${path}: expected a map`, at: node.at });
  return { kind: 'map', entries: new Map(), at: node.at };
}
