/**
 * Metrics embedded in log lines. A line that breaks the format's rules stays an ordinary line, and what is wrong with
 * it is counted. Source: "Specification: Embedded metric format".
 */
import type { DrawnSample } from './log-filters.ts';

export interface EmbeddedSample extends DrawnSample {
  /** Epoch ms, as the document says. */
  readonly at: number;
  readonly periodMs: number;
}
export type Embedded =
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'samples'; readonly samples: readonly EmbeddedSample[] };

const NONE: Embedded = { kind: 'none' };
const INVALID: Embedded = { kind: 'invalid' };
const MAX_METRICS = 100;
const MAX_VALUES = 100;
const MAX_DIMENSIONS = 30;
/** Source: MetricDatum, Unit. */
const UNIT =
  /^(?:Seconds|Microseconds|Milliseconds|Percent|None|(?:(?:Kilo|Mega|Giga|Tera)(?:bytes|bits)|Bytes|Bits|Count)(?:\/Second)?)$/;

interface Directive {
  readonly Namespace?: unknown;
  readonly Dimensions?: unknown;
  readonly Metrics?: unknown;
}
type Members = Readonly<Record<string, unknown>>;

/** Cheap for lines without metrics: one search. Text before the document is tolerated, as Lambda may put some there. */
export function readEmbedded(line: string): Embedded {
  if (!line.includes('"CloudWatchMetrics"')) return NONE;
  const start = line.indexOf('{');
  const end = line.lastIndexOf('}');
  let document: Members;
  try {
    document = JSON.parse(line.slice(start, end + 1)) as Members;
  } catch {
    // Not a document: a line that only mentions the word.
    return NONE;
  }
  const head = document._aws as { Timestamp?: unknown; CloudWatchMetrics?: unknown } | undefined;
  if (head === undefined || head === null || typeof head !== 'object') return NONE;
  const { Timestamp: at, CloudWatchMetrics: directives } = head;
  if (!Number.isInteger(at) || !Array.isArray(directives)) return INVALID;
  const samples: EmbeddedSample[] = [];
  for (const directive of directives as Directive[]) {
    const found = readDirective(directive, document, at as number);
    if (!found) return INVALID;
    samples.push(...found);
  }
  return { kind: 'samples', samples };
}

function readDirective(directive: Directive, document: Members, at: number): EmbeddedSample[] | undefined {
  const { Namespace: namespace, Dimensions: sets, Metrics: metrics } = directive ?? {};
  if (typeof namespace !== 'string' || namespace === '' || namespace.length > 1024) return undefined;
  if (!Array.isArray(sets) || sets.length === 0 || !Array.isArray(metrics) || metrics.length > MAX_METRICS) {
    return undefined;
  }
  const samples: EmbeddedSample[] = [];
  for (const set of sets) {
    const dimensions = readDimensions(set, document);
    if (!dimensions) return undefined;
    for (const metric of metrics as { Name?: unknown; Unit?: unknown; StorageResolution?: unknown }[]) {
      const { Name: name, Unit: unit = 'None', StorageResolution: resolution = 60 } = metric ?? {};
      if (typeof name !== 'string' || !UNIT.test(String(unit)) || (resolution !== 1 && resolution !== 60)) {
        return undefined;
      }
      const target = Object.hasOwn(document, name) ? document[name] : undefined;
      const values = Array.isArray(target) ? target : [target];
      if (values.length > MAX_VALUES) return undefined;
      for (const value of values) {
        if (typeof value !== 'number') return undefined;
        samples.push({
          namespace,
          name,
          unit: unit as string,
          dimensions,
          value,
          at,
          periodMs: resolution * 1000,
        });
      }
    }
  }
  return samples;
}

function readDimensions(set: unknown, document: Members): Record<string, string> | undefined {
  if (!Array.isArray(set) || set.length > MAX_DIMENSIONS) return undefined;
  const dimensions: Record<string, string> = {};
  for (const key of set as unknown[]) {
    if (typeof key !== 'string' || key.length > 250) return undefined;
    const value = Object.hasOwn(document, key) ? document[key] : undefined;
    if (typeof value !== 'string' || value === '' || value.length > 1024) return undefined;
    dimensions[key] = value;
  }
  return dimensions;
}
