/**
 * The model of a service: what the generated JSON says, linked into shapes that the codecs walk.
 * Loaded once per service; nothing here changes afterwards.
 */
import { readFileSync } from 'node:fs';
import type { ServiceName } from './operation.ts';

/** A simple type, `list:` or `map:` of a simple type, `unit`, or the name of a shape. */
export type Ref = string;

export interface MemberModel {
  readonly type: Ref;
  readonly required?: true;
  readonly jsonName?: string;
  readonly xmlName?: string;
  readonly flattened?: true;
  /** In the path, in place of `{Name}`. */
  readonly label?: true;
  /** Name of the query parameter. */
  readonly query?: string;
  /** Name of the header. */
  readonly header?: string;
  /** The member is the whole body. */
  readonly payload?: true;
  /** The member is the HTTP status of the response. */
  readonly statusCode?: true;
  /** In an event of a stream: the member is the whole payload of the frame. */
  readonly eventPayload?: true;
}

export interface ShapeModel {
  kind: 'list' | 'map' | 'structure' | 'union';
  /** A union whose values are sent one by one as an event stream. */
  streaming?: true;
  member?: MemberModel;
  key?: MemberModel;
  value?: MemberModel;
  members?: Record<string, MemberModel>;
}

export interface OperationModel {
  readonly method: string;
  readonly uri: string;
  readonly status: number;
  readonly input: Ref;
  readonly output: Ref;
}

export interface ErrorModel {
  /** Absent where the model does not say: then 400 or 500, after the fault. */
  readonly status?: number;
  readonly fault: 'client' | 'server';
  readonly queryCode?: string;
}

export interface ServiceModel {
  readonly service: ServiceName;
  readonly namespace: string;
  readonly version: string;
  /** Prefix of `X-Amz-Target`, and the name in paths of the CBOR protocol. */
  readonly target: string;
  readonly xmlNamespace?: string;
  readonly operations: Readonly<Record<string, OperationModel>>;
  readonly errors: Readonly<Record<string, ErrorModel>>;
  readonly shapes: Readonly<Record<string, ShapeModel>>;
}

export type TimestampFormat = 'epoch-seconds' | 'date-time' | 'http-date';

type SimpleKind = 'string' | 'number' | 'boolean' | 'blob' | 'timestamp' | 'document';

export interface SimpleShape {
  readonly kind: SimpleKind;
  readonly name: string;
  /** Of a timestamp, where the model fixes it; else the protocol's own. */
  readonly format?: TimestampFormat;
}
export interface ListShape {
  readonly kind: 'list';
  readonly name: string;
  readonly member: Member;
}
export interface MapShape {
  readonly kind: 'map';
  readonly name: string;
  readonly key: Member;
  readonly value: Member;
}
export interface StructureShape {
  readonly kind: 'structure' | 'union';
  readonly name: string;
  readonly streaming: boolean;
  readonly members: readonly Member[];
}
export function isSimple(shape: Shape): shape is SimpleShape {
  return !['list', 'map', 'structure', 'union'].includes(shape.kind);
}

export function isStructure(shape: Shape): shape is StructureShape {
  return shape.kind === 'structure' || shape.kind === 'union';
}

export type Shape = SimpleShape | ListShape | MapShape | StructureShape;

/** A member with its shape linked. Shapes may contain themselves. */
export interface Member extends Omit<MemberModel, 'type' | 'jsonName' | 'required'> {
  readonly name: string;
  readonly shape: Shape;
  readonly required: boolean;
  readonly jsonName: string;
}

export interface Operation {
  readonly service: ServiceName;
  readonly name: string;
  readonly method: string;
  readonly uri: string;
  readonly status: number;
  /** Structure without members where the model says `unit`. */
  readonly input: StructureShape;
  readonly output: StructureShape;
  /** The model has no output at all; the query protocol then sends no result element. */
  readonly noOutput: boolean;
}

export interface Model {
  readonly service: ServiceName;
  readonly namespace: string;
  readonly version: string;
  readonly target: string;
  readonly xmlNamespace?: string;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly errors: ReadonlyMap<string, ErrorModel>;
  /** Structures by name; for the tables that speak of members. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

const SIMPLE: Record<string, SimpleShape> = {
  string: { kind: 'string', name: 'string' },
  number: { kind: 'number', name: 'number' },
  boolean: { kind: 'boolean', name: 'boolean' },
  blob: { kind: 'blob', name: 'blob' },
  'blob-stream': { kind: 'blob', name: 'blob' },
  document: { kind: 'document', name: 'document' },
  timestamp: { kind: 'timestamp', name: 'timestamp' },
  'date-time': { kind: 'timestamp', name: 'timestamp', format: 'date-time' },
  'http-date': { kind: 'timestamp', name: 'timestamp', format: 'http-date' },
  'epoch-seconds': { kind: 'timestamp', name: 'timestamp', format: 'epoch-seconds' },
};

function link(source: ServiceModel): Model {
  const shapes = new Map<string, Shape>();

  const member = (name: string, { type, jsonName, required, ...rest }: MemberModel): Member => ({
    ...rest,
    name,
    shape: resolve(type),
    required: required === true,
    jsonName: jsonName ?? name,
  });

  const resolve = (ref: Ref): Shape => {
    const simple = SIMPLE[ref];
    if (simple) return simple;
    const [modifier, of] = ref.split(':') as [string, string?];
    if (of !== undefined) {
      return modifier === 'list'
        ? { kind: 'list', name: ref, member: member('member', { type: of }) }
        : {
            kind: 'map',
            name: ref,
            key: member('key', { type: 'string' }),
            value: member('value', { type: of }),
          };
    }
    const known = shapes.get(ref);
    if (known) return known;
    const model = source.shapes[ref];
    if (!model) throw new Error(`model of ${source.service} has no shape ${ref}`);
    // Entered before its members are resolved, so that a shape may contain itself.
    const shape: Record<string, unknown> = { kind: model.kind, name: ref };
    shapes.set(ref, shape as unknown as Shape);
    if (model.kind === 'list') shape.member = member('member', model.member!);
    else if (model.kind === 'map') {
      shape.key = member('key', model.key!);
      shape.value = member('value', model.value!);
    } else {
      shape.streaming = model.streaming === true;
      shape.members = Object.entries(model.members!).map(([name, each]) => member(name, each));
    }
    return shape as unknown as Shape;
  };

  const structure = (operation: string, ref: Ref): StructureShape =>
    ref === 'unit'
      ? { kind: 'structure', name: `${operation}Unit`, streaming: false, members: [] }
      : (resolve(ref) as StructureShape);

  for (const name of Object.keys(source.shapes)) resolve(name);
  const operations = new Map<string, Operation>();
  for (const [name, { method, uri, status, input, output }] of Object.entries(source.operations)) {
    operations.set(name, {
      service: source.service,
      name,
      method,
      uri,
      status,
      input: structure(name, input),
      output: structure(name, output),
      noOutput: output === 'unit',
    });
  }
  return {
    service: source.service,
    namespace: source.namespace,
    version: source.version,
    target: source.target,
    ...(source.xmlNamespace ? { xmlNamespace: source.xmlNamespace } : {}),
    operations,
    errors: new Map(Object.entries(source.errors)),
    shapes,
  };
}

const loaded = new Map<ServiceName, Model>();

/** The model of a service; the same object every time. */
export function loadModel(service: ServiceName): Model {
  let model = loaded.get(service);
  if (!model) {
    const text = readFileSync(new URL(`./model/${service}.json`, import.meta.url), 'utf8');
    model = link(JSON.parse(text) as ServiceModel);
    loaded.set(service, model);
  }
  return model;
}
