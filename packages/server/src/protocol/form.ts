/**
 * Parameters of the query protocol: `A.member.1.B=x` as a tree, so that codecs walk it by names and numbers.
 */
import { serializationError } from './json-codec.ts';

/** A name part of a parameter: its own value, and what lies below it. */
export interface FormNode {
  value?: string;
  children?: Map<string, FormNode>;
}
export type Form = FormNode;

/** Parts between dots; no structure of any model is as deep. */
const MAX_DEPTH = 32;

function decodePart(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw serializationError('The request contains a malformed percent-encoding.');
  }
}

/** Adds the parameters of `text` (`a=b&c=d`) to `root`. The first of two equal names stays. */
export function addParameters(root: Form, text: string): void {
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('&', start);
    if (end === -1) end = text.length;
    const pair = text.slice(start, end);
    start = end + 1;
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodePart(equals === -1 ? pair : pair.slice(0, equals));
    const node = nodeOf(root, name);
    node.value ??= equals === -1 ? '' : decodePart(pair.slice(equals + 1));
  }
}

function nodeOf(root: Form, name: string): FormNode {
  const parts = name.split('.');
  if (parts.length > MAX_DEPTH) throw serializationError('A parameter name has too many parts.');
  let node = root;
  for (const part of parts) {
    node.children ??= new Map();
    let next = node.children.get(part);
    if (!next) {
      next = {};
      node.children.set(part, next);
    }
    node = next;
  }
  return node;
}

export function parameter(form: Form, name: string): string | undefined {
  return form.children?.get(name)?.value;
}

/** Children named by numbers, in the order of the numbers; gaps are closed. */
export function numbered(node: FormNode): FormNode[] {
  const found: [number, FormNode][] = [];
  for (const [name, child] of node.children ?? []) {
    if (/^\d{1,9}$/.test(name)) found.push([Number(name), child]);
  }
  return found.sort(([a], [b]) => a - b).map(([, child]) => child);
}
