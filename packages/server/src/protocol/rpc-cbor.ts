/**
 * Smithy RPC v2 CBOR (CloudWatch): one CBOR map each way, the operation in the path
 * `/service/{target}/operation/{name}`. Timestamps are tag 1, epoch seconds.
 */
import { decode as decodeCbor, encode as encodeCbor, Tagged } from 'cborg';
import { errorMembers, queryErrorHeader } from './aws-json.ts';
import type { Dialect } from './dialect.ts';
import type { ApiError, ErrorRow } from './error.ts';
import { isInteger } from './integers.ts';
import { serializationError, setOwn } from './json-codec.ts';
import { isSimple, type Member, type Model, type Operation, type Shape } from './model.ts';
import type { HttpReply, Members, OperationCodec, Wire } from './wire.ts';

const HEADERS = { 'Content-Type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' };

/** RFC 8949, 3.4.2: epoch-based date and time. */
const EPOCH_TAG = 1;
const DECODE_OPTIONS = {
  tags: { [EPOCH_TAG]: (control: () => unknown) => control() },
  rejectDuplicateMapKeys: true,
};

type Convert = (value: unknown) => unknown;

export function createRpcCbor(model: Model, dialect: Dialect): Wire {
  const codec = new CborCodec(model);
  return {
    name: 'cbor',
    compile: (operation) => compile(codec, operation),
    encodeError: (error, row) => encodeError(error, row, dialect),
  };
}

function compile(codec: CborCodec, operation: Operation): OperationCodec {
  const decode = codec.decoder(operation.input);
  const encode = codec.encoder(operation.output);
  return {
    decode: (request) => decode(request.body.length === 0 ? {} : parse(request.body)) as Members,
    encode: (output) => ({
      status: 200,
      headers: { ...HEADERS },
      ...(operation.noOutput ? {} : { body: Buffer.from(encodeCbor(encode(output))) }),
    }),
  };
}

function parse(body: Buffer): unknown {
  try {
    return decodeCbor(body, DECODE_OPTIONS as never);
  } catch (error) {
    throw serializationError(`The body is not valid CBOR: ${(error as Error).message}`);
  }
}

function encodeError(error: ApiError, row: ErrorRow, dialect: Dialect): HttpReply {
  return {
    status: row.status,
    headers: { ...HEADERS, 'x-amzn-query-error': queryErrorHeader(error, row), ...error.headers },
    body: Buffer.from(encodeCbor(errorMembers(error, row, dialect))),
  };
}

function wrongType(name: string, wanted: string): ApiError {
  return serializationError(`Value of ${name} can not be converted to ${wanted}`);
}

class CborCodec {
  readonly #model: Model;
  readonly #decoders = new Map<Shape, Convert>();
  readonly #encoders = new Map<Shape, Convert>();

  constructor(model: Model) {
    this.#model = model;
  }

  decoder(shape: Shape): Convert {
    const known = this.#decoders.get(shape);
    if (known) return known;
    this.#decoders.set(shape, (value) => this.#decoders.get(shape)!(value));
    const compiled = this.#compileDecoder(shape);
    this.#decoders.set(shape, compiled);
    return compiled;
  }

  #compileDecoder(shape: Shape): Convert {
    if (shape.kind === 'list') {
      const element = this.#member(shape.name, shape.member);
      return (value) => {
        if (!Array.isArray(value)) throw wrongType(shape.name, 'a list');
        return value.map((each) => (each === null ? null : element(each)));
      };
    }
    if (shape.kind === 'map') {
      const element = this.#member(shape.name, shape.value);
      return (value) => {
        if (!isMap(value)) throw wrongType(shape.name, 'a map');
        const out: Members = {};
        for (const [key, each] of Object.entries(value)) {
          setOwn(out, key, each === null ? null : element(each));
        }
        return out;
      };
    }
    if (shape.kind === 'structure' || shape.kind === 'union') {
      const members = shape.members.map((member) => [member.name, this.#member(shape.name, member)] as const);
      return (value) => {
        if (!isMap(value)) throw wrongType(shape.name, 'a structure');
        const out: Members = {};
        for (const [name, decode] of members) {
          const each = value[name];
          if (each !== undefined && each !== null) out[name] = decode(each);
        }
        return out;
      };
    }
    return this.#simple(shape, shape.name, false);
  }

  #member(owner: string, member: Member): Convert {
    const { shape } = member;
    if (!isSimple(shape)) return this.decoder(shape);
    return this.#simple(shape, member.name, isInteger(this.#model.service, owner, member.name));
  }

  #simple(shape: Shape, name: string, integer: boolean): Convert {
    switch (shape.kind) {
      case 'number':
        return (value) => {
          const number = typeof value === 'bigint' ? Number(value) : value;
          if (typeof number !== 'number' || (integer && !Number.isInteger(number))) {
            throw wrongType(name, integer ? 'an Integer' : 'a Double');
          }
          return number;
        };
      case 'timestamp':
        return (value) => {
          if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(name, 'a Timestamp');
          return value;
        };
      case 'blob':
        return (value) => {
          if (!(value instanceof Uint8Array)) throw wrongType(name, 'a Blob');
          return Buffer.from(value);
        };
      case 'string':
      case 'boolean': {
        const wanted = shape.kind;
        return (value) => {
          if (typeof value !== wanted)
            throw wrongType(name, `a ${wanted === 'string' ? 'String' : 'Boolean'}`);
          return value;
        };
      }
      default:
        return (value) => value;
    }
  }

  encoder(shape: Shape): Convert {
    const known = this.#encoders.get(shape);
    if (known) return known;
    this.#encoders.set(shape, (value) => this.#encoders.get(shape)!(value));
    const compiled = this.#compileEncoder(shape);
    this.#encoders.set(shape, compiled);
    return compiled;
  }

  #compileEncoder(shape: Shape): Convert {
    switch (shape.kind) {
      case 'list': {
        const element = this.encoder(shape.member.shape);
        return (value) => (value as unknown[]).map(element);
      }
      case 'map': {
        const element = this.encoder(shape.value.shape);
        return (value) => {
          const out: Members = {};
          for (const [key, each] of Object.entries(value as Members)) {
            if (each !== undefined && each !== null) setOwn(out, key, element(each));
          }
          return out;
        };
      }
      case 'structure':
      case 'union': {
        const members = shape.members.map((member) => [member.name, this.encoder(member.shape)] as const);
        return (value) => {
          const source = value as Members;
          const out: Members = {};
          for (const [name, encode] of members) {
            const each = source[name];
            if (each !== undefined && each !== null) out[name] = encode(each);
          }
          return out;
        };
      }
      case 'timestamp':
        return (value) => new Tagged(EPOCH_TAG, value);
      default:
        return (value) => value;
    }
  }
}

function isMap(value: unknown): value is Members {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
