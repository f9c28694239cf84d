/**
 * Turns the operation schemas that the official SDK clients export into one compact model per service
 * (src/protocol/model/*.json). Run `npm run gen-models` after an update of the clients; a test regenerates and
 * compares, so the committed models are always exactly what the installed clients say.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as cloudwatch from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as lambda from '@aws-sdk/client-lambda';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import type {
  ErrorModel,
  MemberModel,
  OperationModel,
  Ref,
  ServiceModel,
  ShapeModel,
} from '../src/protocol/model.ts';
import type { ServiceName } from '../src/protocol/operation.ts';

/** A schema as the clients write it: `[kind, namespace, name, traits, …]`, see `StaticSchema` of @smithy/types. */
type Schema = readonly unknown[];
type Traits = Record<string, unknown>;

/** First element of a schema. */
const KIND = { simple: 0, list: 1, map: 2, structure: 3, union: 4, error: -3, operation: 9 } as const;

/** Numbers that stand for types, `StaticSchema` of @smithy/types. */
const SIMPLE: Record<number, Ref> = {
  0: 'string',
  1: 'number',
  2: 'boolean',
  4: 'timestamp',
  5: 'date-time',
  6: 'http-date',
  7: 'epoch-seconds',
  15: 'document',
  17: 'number',
  19: 'number',
  21: 'blob',
  42: 'blob-stream',
};
const LIST_MODIFIER = 64;
const MAP_MODIFIER = 128;

/** Traits packed into one number, lowest bit first. */
const TRAIT_BITS = [
  'httpLabel',
  'idempotent',
  'idempotencyToken',
  'sensitive',
  'httpPayload',
  'httpResponseCode',
  'httpQueryParams',
];

/** Trait of the schema → member of our model. Traits that are not listed do not concern the wire. */
const KEPT: Record<string, keyof MemberModel> = {
  httpLabel: 'label',
  httpPayload: 'payload',
  httpResponseCode: 'statusCode',
  httpQuery: 'query',
  httpHeader: 'header',
  xmlName: 'xmlName',
  xmlFlattened: 'flattened',
  jsonName: 'jsonName',
  eventPayload: 'eventPayload',
};
/** Traits known to be of no concern. An unknown one stops the generator: someone has to look. */
const DROPPED = new Set(['idempotent', 'idempotencyToken', 'sensitive', 'streaming']);

function traitsOf(packed: unknown): Traits {
  if (typeof packed === 'number') {
    return Object.fromEntries(TRAIT_BITS.filter((_, bit) => (packed >> bit) & 1).map((name) => [name, 1]));
  }
  return (packed ?? {}) as Traits;
}

class Generator {
  readonly shapes: Record<string, ShapeModel> = {};

  /** A type and the traits that a simple shape passes on to its member. */
  ref(schema: unknown): { type: Ref; traits: Traits } {
    if (typeof schema === 'function') return this.ref(schema());
    if (schema === 'unit') return { type: 'unit', traits: {} };
    if (typeof schema === 'number') {
      if (schema & LIST_MODIFIER) return { type: `list:${this.simple(schema - LIST_MODIFIER)}`, traits: {} };
      if (schema & MAP_MODIFIER) return { type: `map:${this.simple(schema - MAP_MODIFIER)}`, traits: {} };
      return { type: this.simple(schema), traits: {} };
    }
    const [kind, , name, traits] = schema as [number, string, string, unknown];
    if (kind === KIND.simple) return { type: this.ref((schema as Schema)[4]).type, traits: traitsOf(traits) };
    this.add(schema as Schema);
    return { type: name, traits: {} };
  }

  simple(code: number): Ref {
    const type = SIMPLE[code];
    if (type === undefined) throw new Error(`unknown simple type ${code}`);
    return type;
  }

  /** A member's schema is a reference, or `[reference, traits]`. */
  member(schema: unknown, required = false): MemberModel {
    const wrapped = Array.isArray(schema) && typeof schema[0] !== 'string' && schema.length === 2;
    const { type, traits } = this.ref(wrapped ? schema[0] : schema);
    const model: Record<string, unknown> = { type };
    for (const [name, value] of Object.entries({ ...traits, ...(wrapped ? traitsOf(schema[1]) : {}) })) {
      const kept = KEPT[name];
      if (kept) model[kept] = value === 1 ? true : value;
      else if (!DROPPED.has(name)) throw new Error(`unknown trait ${name}`);
    }
    if (required) model.required = true;
    return model as unknown as MemberModel;
  }

  add(schema: Schema): void {
    const [kind, , name, traits] = schema as [number, string, string, unknown];
    if (this.shapes[name]) return;
    const shape: ShapeModel = { kind: 'structure' };
    this.shapes[name] = shape;
    if (kind === KIND.list) {
      shape.kind = 'list';
      shape.member = this.member(schema[4]);
    } else if (kind === KIND.map) {
      shape.kind = 'map';
      shape.key = this.member(schema[4]);
      shape.value = this.member(schema[5]);
    } else {
      if (kind === KIND.union) shape.kind = 'union';
      if (traitsOf(traits).streaming) shape.streaming = true;
      const names = schema[4] as string[];
      const types = schema[5] as unknown[];
      const required = (schema[6] as number | undefined) ?? 0;
      shape.members = Object.fromEntries(
        names.map((member, i) => [member, this.member(types[i], i < required)]),
      );
    }
  }

  error(schema: Schema): ErrorModel {
    this.add(schema);
    const traits = traitsOf(schema[3]);
    const fault = traits.error as 'client' | 'server';
    const [queryCode, queryStatus] = (traits.awsQueryError ?? []) as [string?, number?];
    const status = (traits.httpError as number | undefined) ?? queryStatus;
    return { fault, ...(status ? { status } : {}), ...(queryCode ? { queryCode } : {}) };
  }

  operation(schema: Schema): OperationModel {
    const traits = traitsOf(schema[3]);
    const [method, uri, status] = (traits.http ?? ['POST', '/', 200]) as [string, string, number];
    return { method, uri, status, input: this.ref(schema[4]).type, output: this.ref(schema[5]).type };
  }
}

/** What the clients do not export, or not under a name of its own. */
const CLIENTS: Record<ServiceName, { exports: object; client: new (config: { region: string }) => object }> =
  {
    lambda: { exports: lambda, client: lambda.LambdaClient },
    sqs: { exports: sqs, client: sqs.SQSClient },
    sns: { exports: sns, client: sns.SNSClient },
    logs: { exports: logs, client: logs.CloudWatchLogsClient },
    cloudwatch: { exports: cloudwatch, client: cloudwatch.CloudWatchClient },
  };

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The model of one service as the installed client describes it. */
export function generateModel(service: ServiceName): ServiceModel {
  const { exports, client: Client } = CLIENTS[service];
  // biome-ignore lint/suspicious/noExplicitAny: the resolved configuration is wider than its public type
  const config = (new Client({ region: 'us-east-1' }) as any).config;
  const settings = config.protocolSettings;
  const generator = new Generator();
  const operations: Record<string, OperationModel> = {};
  const errors: Record<string, ErrorModel> = {};
  for (const schema of Object.values(exports)) {
    if (!Array.isArray(schema) || typeof schema[0] !== 'number' || typeof schema[2] !== 'string') continue;
    if (schema[0] === KIND.operation) operations[schema[2]] = generator.operation(schema);
    // The clients' own base exception lives in a synthetic namespace and never crosses the wire.
    else if (schema[0] === KIND.error && !String(schema[1]).startsWith('smithy.')) {
      errors[schema[2]] = generator.error(schema);
    }
  }
  return {
    service,
    namespace: settings.defaultNamespace,
    version: settings.version,
    target: settings.serviceTarget,
    ...(settings.xmlNamespace ? { xmlNamespace: settings.xmlNamespace } : {}),
    operations: sorted(operations),
    errors: sorted(errors),
    shapes: sorted(generator.shapes),
  };
}

/** One line per operation, error and shape, so that a difference between two models can be read. */
export function formatModel(model: ServiceModel): string {
  const section = (name: string, record: object) =>
    `  "${name}": {\n${Object.entries(record)
      .map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n')}\n  }`;
  const { operations, errors, shapes, ...head } = model;
  const lines = Object.entries(head).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  lines.push(section('operations', operations), section('errors', errors), section('shapes', shapes));
  return `{\n${lines.join(',\n')}\n}\n`;
}

export const SERVICES = Object.keys(CLIENTS) as ServiceName[];

export function modelPath(service: ServiceName): string {
  return fileURLToPath(new URL(`../src/protocol/model/${service}.json`, import.meta.url));
}

if (import.meta.main) {
  for (const service of SERVICES) {
    const text = formatModel(generateModel(service));
    writeFileSync(modelPath(service), text);
    console.log(`${service}: ${text.length} bytes`);
  }
}
