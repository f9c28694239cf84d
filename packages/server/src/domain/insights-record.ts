/**
 * A log event as a query sees it: system fields, what Lambda's own lines say, and the fields of a JSON message,
 * found when they are first asked for. Source: "Supported logs and discovered fields".
 */
import type { StoredLine } from '../store/store.ts';
import type { Row } from './insights-compile.ts';
import { Instant, type Value } from './insights-value.ts';

/** Where an event lies. */
export interface RecordPlace {
  /** `account:group`. */
  readonly log: string;
  /** Lambda's lines have fields of their own, and JSON may begin inside a line. */
  readonly lambda: boolean;
  /** Hides what the group's data protection policy calls sensitive. */
  readonly mask: (line: string) => string;
  /** Opaque name of an event for GetLogRecord. */
  readonly pointerOf: (line: StoredLine) => string;
}

/** Source: "Supported logs and discovered fields": fields found in one JSON event. */
const MAX_FIELDS = 200;
const MEGABYTE = 1_000_000;

const REQUEST_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

export class LogRecord implements Row {
  readonly #line: StoredLine;
  readonly #place: RecordPlace;
  /** Fields that commands have added; they hide those of the event. */
  #added: Map<string, Value> | undefined;
  #masked: string | undefined;
  #document: Value | 'unread' = 'unread';
  #lambda: Readonly<Record<string, Value>> | undefined;

  constructor(line: StoredLine, place: RecordPlace) {
    this.#line = line;
    this.#place = place;
  }

  set(name: string, value: Value): void {
    this.#added ??= new Map();
    this.#added.set(name, value);
  }

  get(name: string): Value {
    if (this.#added?.has(name)) return this.#added.get(name);
    switch (name) {
      case '@message':
        return this.#text().trimEnd();
      case '@timestamp':
        return new Instant(this.#line.at);
      case '@ingestionTime':
        return new Instant(this.#line.ingestedAt);
      case '@logStream':
        return this.#line.stream;
      case '@log':
        return this.#place.log;
      case '@ptr':
        return this.#place.pointerOf(this.#line);
    }
    if (name.startsWith('@') && !name.startsWith('@@')) {
      if (!this.#place.lambda) return undefined;
      this.#lambda ??= readLambdaFields(this.#line.text);
      return this.#lambda[name];
    }
    return this.#discover(name.startsWith('@@') ? name.slice(1) : name);
  }

  /** Every field the event has, for GetLogRecord. */
  all(): Record<string, Value> {
    const fields: Record<string, Value> = {};
    for (const name of ['@message', '@timestamp', '@ingestionTime', '@logStream', '@log'])
      fields[name] = this.get(name);
    if (this.#place.lambda) Object.assign(fields, readLambdaFields(this.#line.text));
    flatten(this.#read(), '', fields);
    return fields;
  }

  #text(): string {
    this.#masked ??= this.#place.mask(this.#line.text);
    return this.#masked;
  }

  #read(): Value {
    if (this.#document === 'unread') this.#document = readJson(this.#text(), this.#place.lambda);
    return this.#document;
  }

  #discover(path: string): Value {
    const document = this.#read();
    if (document === undefined) return undefined;
    return member(document, path);
  }
}

/** Along the dots; a name that itself holds a dot is found whole. */
function member(value: Value, path: string): Value {
  if (value === null || typeof value !== 'object' || value instanceof Instant) return undefined;
  if (Object.hasOwn(value, path)) return leaf((value as { [key: string]: Value })[path]);
  const dot = path.indexOf('.');
  if (dot === -1) return undefined;
  const head = path.slice(0, dot);
  if (!Object.hasOwn(value, head)) return undefined;
  return member((value as { [key: string]: Value })[head], path.slice(dot + 1));
}

function leaf(value: Value): Value {
  return value === null ? undefined : value;
}

function flatten(value: Value, prefix: string, out: Record<string, Value>): void {
  if (value === undefined || Object.keys(out).length >= MAX_FIELDS) return;
  if (value === null || typeof value !== 'object' || value instanceof Instant) {
    if (prefix !== '') out[prefix.startsWith('@') ? `@${prefix}` : prefix] = value;
    return;
  }
  for (const [key, inner] of Object.entries(value))
    flatten(inner, prefix === '' ? key : `${prefix}.${key}`, out);
}

function readJson(text: string, embedded: boolean): Value {
  const start = text.indexOf('{');
  if (start === -1 || (!embedded && text.trimStart()[0] !== '{')) return undefined;
  const end = text.lastIndexOf('}');
  if (end < start) return undefined;
  try {
    return JSON.parse(text.slice(start, end + 1)) as Value;
  } catch {
    // Not JSON after all: an ordinary line, without fields of its own.
    return undefined;
  }
}

const TYPES = ['START', 'END', 'REPORT', 'INIT_START', 'INIT_REPORT'];

/** From the lines that Lambda writes around a run. */
function readLambdaFields(text: string): Record<string, Value> {
  const fields: Record<string, Value> = {};
  const type = TYPES.find((word) => text.startsWith(word));
  if (type) fields['@type'] = type;
  const requestId = REQUEST_ID.exec(text.slice(0, 200))?.[0];
  if (requestId) fields['@requestId'] = requestId;
  if (type !== 'REPORT') return fields;
  const number = (label: string, unit: string) => {
    const start = text.indexOf(`\t${label}: `);
    if (start === -1) return undefined;
    const rest = text.slice(start + label.length + 3);
    const value = Number(rest.slice(0, rest.indexOf(` ${unit}`)));
    return Number.isNaN(value) ? undefined : value;
  };
  const times = (value: number | undefined, factor: number) =>
    value === undefined ? undefined : value * factor;
  fields['@duration'] = number('Duration', 'ms');
  fields['@billedDuration'] = number('Billed Duration', 'ms');
  fields['@initDuration'] = number('Init Duration', 'ms');
  fields['@memorySize'] = times(number('Memory Size', 'MB'), MEGABYTE);
  fields['@maxMemoryUsed'] = times(number('Max Memory Used', 'MB'), MEGABYTE);
  const trace = /XRAY TraceId: (\S+)\tSegmentId: (\S+)/.exec(text);
  if (trace) {
    fields['@xrayTraceId'] = trace[1];
    fields['@xraySegmentId'] = trace[2];
  }
  return fields;
}
