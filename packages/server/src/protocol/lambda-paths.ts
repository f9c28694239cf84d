/**
 * Which operation a method and path mean on a REST service: a tree of path segments, built from the URIs of
 * the model. Labels are percent-decoded; a slash inside a label must come encoded.
 */
import type { Operation } from './model.ts';

interface Ending {
  readonly operation: string;
  /** `find=LayerVersion` of `/layers?find=LayerVersion`: tells apart operations that share a path. */
  readonly query?: string;
}

interface Node {
  readonly literals: Map<string, Node>;
  label?: Node;
  readonly endings: Map<string, Ending[]>;
}

export interface PathMatch {
  readonly operation: string;
  readonly labels: readonly string[];
}

const node = (): Node => ({ literals: new Map(), endings: new Map() });

export class PathTree {
  readonly #root = node();

  constructor(operations: Iterable<Operation>) {
    for (const { name, method, uri } of operations) this.#add(name, method, uri);
  }

  #add(operation: string, method: string, uri: string): void {
    const [path, query] = uri.split('?') as [string, string?];
    let at = this.#root;
    for (const segment of path.slice(1).split('/')) {
      if (segment.startsWith('{')) {
        at.label ??= node();
        at = at.label;
      } else {
        let next = at.literals.get(segment);
        if (!next) {
          next = node();
          at.literals.set(segment, next);
        }
        at = next;
      }
    }
    const endings = at.endings.get(method) ?? [];
    // Those that ask for more come first.
    if (query === undefined) endings.push({ operation });
    else endings.unshift({ operation, query });
    at.endings.set(method, endings);
  }

  /** `path` as sent. A trailing slash makes no difference: older clients send one. */
  match(method: string, path: string, search: string): PathMatch | undefined {
    const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
    const labels: string[] = [];
    let at = this.#root;
    let start = 1;
    while (start <= end) {
      let slash = path.indexOf('/', start);
      if (slash === -1 || slash > end) slash = end;
      const segment = path.slice(start, slash);
      const literal = at.literals.get(segment);
      if (literal) at = literal;
      else if (at.label && segment !== '') {
        const decoded = decodeLabel(segment);
        if (decoded === undefined) return undefined;
        labels.push(decoded);
        at = at.label;
      } else return undefined;
      start = slash + 1;
    }
    for (const ending of at.endings.get(method) ?? []) {
      if (ending.query === undefined || hasParameter(search, ending.query)) {
        return { operation: ending.operation, labels };
      }
    }
    return undefined;
  }
}

function decodeLabel(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function hasParameter(search: string, parameter: string): boolean {
  return search.split('&').includes(parameter);
}
