/**
 * One service on its wires: every offered operation compiled for each of them, and how its refusals look.
 * Made once at start-up; services that are not offered are mounted too, to refuse in their own way.
 */
import { createAwsJson } from './aws-json.ts';
import { createAwsQuery } from './aws-query.ts';
import { DIALECTS, type Dialect } from './dialect.ts';
import { type ApiError, COMMON_ERRORS, type ErrorRow, type ErrorTable } from './error.ts';
import { JsonCodec } from './json-codec.ts';
import { loadModel, type Model } from './model.ts';
import type { Handler, Service, ServiceName } from './operation.ts';
import { createRestJson } from './rest-json.ts';
import { createRpcCbor } from './rpc-cbor.ts';
import { compileValidator } from './shape.ts';
import type { HttpReply, Members, OperationCodec, Wire, WireName } from './wire.ts';

/** An operation on one wire, ready to run. */
export interface MountedOperation {
  readonly handler: Handler;
  readonly codec: OperationCodec;
  /** Throws the service's own refusal. */
  readonly validate: (input: Members) => void;
}

interface MountedWire {
  readonly wire: Wire;
  readonly operations: ReadonlyMap<string, MountedOperation>;
}

export class MountedService {
  readonly dialect: Dialect;
  readonly #model: Model;
  readonly #errors: ErrorTable;
  readonly #linked: ReadonlySet<string>;
  readonly #wires: ReadonlyMap<WireName, MountedWire>;

  constructor(name: ServiceName, service: Service | undefined) {
    this.dialect = DIALECTS[name];
    this.#model = loadModel(name);
    this.#errors = service?.errors ?? {};
    this.#linked = new Set(service?.linked);
    const offered = Object.entries(service?.operations ?? {}).map(([operation, handler]) => {
      const model = this.#model.operations.get(operation)!;
      return { model, handler, validate: compileValidator(model) };
    });
    this.#wires = new Map(
      this.dialect.wires.map((wireName) => {
        const wire = createWire(wireName, this.#model, this.dialect);
        const operations = new Map(
          offered.map(({ model, handler, validate }) => [
            model.name,
            { handler, validate, codec: wire.compile(model) },
          ]),
        );
        return [wireName, { wire, operations }];
      }),
    );
  }

  /** Undefined for an operation that AWS has and this server does not offer. */
  operation(wire: WireName, name: string): MountedOperation | undefined {
    return this.#wires.get(wire)!.operations.get(name);
  }

  /** Whether the operation may be called by following a link, without a signature. */
  isLinked(operation: string): boolean {
    return this.#linked.has(operation);
  }

  /** True for an error that some table knows; anything else that is thrown is a bug. */
  knows(error: unknown): error is ApiError {
    return error instanceof Error && 'members' in error && this.#rowOf(error.name) !== undefined;
  }

  encodeError(wire: WireName, error: ApiError, requestId: string): HttpReply {
    return this.#wires.get(wire)!.wire.encodeError(error, this.#rowOf(error.name)!, requestId);
  }

  #rowOf(name: string): ErrorRow | undefined {
    return this.#errors[name] ?? COMMON_ERRORS[name] ?? this.#modelledRow(name);
  }

  /** The model alone says enough of most errors. */
  #modelledRow(name: string): ErrorRow | undefined {
    const error = this.#model.errors.get(name);
    return error && { ...error, status: error.status ?? (error.fault === 'client' ? 400 : 500) };
  }
}

function createWire(name: WireName, model: Model, dialect: Dialect): Wire {
  switch (name) {
    case 'rest-json':
      return createRestJson(new JsonCodec(model));
    case 'json':
      return createAwsJson(new JsonCodec(model), dialect);
    case 'query':
      return createAwsQuery(model, dialect);
    case 'cbor':
      return createRpcCbor(model, dialect);
  }
}
