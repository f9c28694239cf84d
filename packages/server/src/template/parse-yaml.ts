/**
 * YAML or JSON text → nodes that know their place. Short tags (`!Ref`, `!GetAtt`, `!Sub`) become their long
 * forms. Bounded: size, depth, and no aliases, which CloudFormation does not support either.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Place, Problem } from './template-error.ts';

type Scalar = string | number | boolean | null;

export type Node =
  | { readonly kind: 'scalar'; readonly value: Scalar; readonly at: Place }
  | { readonly kind: 'list'; readonly items: readonly Node[]; readonly at: Place }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Entry>; readonly at: Place };

export type MapNode = Node & { kind: 'map' };

export interface Entry {
  readonly keyAt: Place;
  readonly value: Node;
}

/** Source: CloudFormation quotas, template body in Amazon S3. */
const MAX_BYTES = 1_048_576;
const MAX_DEPTH = 64;

/** Short tags and their long forms. */
const TAGS: Readonly<Record<string, string>> = {
  '!Ref': 'Ref',
  '!GetAtt': 'Fn::GetAtt',
  '!Sub': 'Fn::Sub',
};

export type Parsed =
  | { readonly kind: 'parsed'; readonly root: Node }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

export function parseYaml(text: string): Parsed {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return invalid(`a template can have ${MAX_BYTES} bytes at most, found ${Buffer.byteLength(text)}`);
  }
  const lines = new LineCounter();
  const place = (offset: number | undefined): Place => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      schema: 'core',
      logLevel: 'error',
    });
  } catch (error) {
    if (error instanceof RangeError) return invalid(`nested too deeply: ${MAX_DEPTH} levels at most`);
    throw error;
  }
  const [error] = document.errors;
  if (error) {
    // The reader of YAML runs out of stack in deep nesting and says so once for each level.
    if (/call stack/.test(error.message)) return invalid(`nested too deeply: ${MAX_DEPTH} levels at most`);
    return {
      kind: 'invalid',
      problems: document.errors.map(({ message, pos }) => ({ message, at: place(pos[0]) })),
    };
  }
  const problems: Problem[] = [];

  function convert(source: unknown, depth: number, from: Place): Node {
    const at = place((source as { range?: [number] } | null)?.range?.[0]) ?? from;
    if (depth > MAX_DEPTH) {
      problems.push({ message: `nested too deeply: ${MAX_DEPTH} levels at most`, at });
      return { kind: 'scalar', value: null, at };
    }
    const node = convertPlain(source, depth, at);
    const tag = (source as { tag?: string } | null)?.tag;
    if (tag === undefined || tag.startsWith('tag:yaml.org')) return node;
    const name = TAGS[tag];
    if (!name) {
      problems.push({ message: `${tag} is not supported; supported: ${Object.keys(TAGS).join(', ')}`, at });
      return node;
    }
    return { kind: 'map', entries: new Map([[name, { keyAt: at, value: node }]]), at };
  }

  function convertPlain(source: unknown, depth: number, at: Place): Node {
    if (isMap(source)) {
      const entries = new Map<string, Entry>();
      for (const pair of source.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
        const keyAt = place((pair.key as { range?: [number] }).range?.[0]);
        if (key === undefined) problems.push({ message: 'expected a name as key', at: keyAt });
        else entries.set(key, { keyAt, value: convert(pair.value, depth + 1, keyAt) });
      }
      return { kind: 'map', entries, at };
    }
    if (isSeq(source)) {
      return { kind: 'list', items: source.items.map((item) => convert(item, depth + 1, at)), at };
    }
    if (isScalar(source)) return { kind: 'scalar', value: scalarOf(source.value), at };
    if (isAlias(source)) problems.push({ message: 'YAML aliases are not supported', at });
    return { kind: 'scalar', value: null, at };
  }

  const root = convert(document.contents, 0, { line: 1, column: 1 });
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'parsed', root };
}

function scalarOf(value: unknown): Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function invalid(message: string): Parsed {
  return { kind: 'invalid', problems: [{ message }] };
}
