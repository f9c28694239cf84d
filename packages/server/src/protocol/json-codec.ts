/**
 * JSON values ↔ members of the model, for the REST, JSON-RPC and event-stream wires. Shapes are compiled once
 * into closures; a decoder refuses wrong types in the words of AWS's own deserialiser and drops members that
 * the model does not know, an encoder writes only what the model knows.
 */
import { isUtf8 } from 'node:buffer';
import { ApiError } from './error.ts';
import { isInteger } from './integers.ts';
import {
  isStructure,
  type Member,
  type Model,
  type Shape,
  type SimpleShape,
  type StructureShape,
} from './model.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

export type Decoder = (value: unknown) => unknown;
export type Encoder = (value: unknown) => unknown;

/** A refusal before any operation has seen the request: the bytes do not have the model's types. */
export function serializationError(message: string): ApiError {
  return new ApiError('SerializationException', message);
}

/** How AWS's parser names what it found (observed for SQS: `STRING_VALUE can not be converted to an Integer`). */
function tokenName(value: unknown): string {
  if (typeof value === 'string') return 'STRING_VALUE';
  if (typeof value === 'number') return Number.isInteger(value) ? 'NUMBER_VALUE' : 'DECIMAL_VALUE';
  return value === true ? 'TRUE_VALUE' : 'FALSE_VALUE';
}

function wrongType(value: unknown, wanted: string): ApiError {
  if (Array.isArray(value)) return serializationError('Start of list found where not expected');
  if (typeof value === 'object') {
    return serializationError('Start of structure or map found where not expected.');
  }
  if (wanted === 'list' || wanted === 'map') return serializationError(`Expected ${wanted} or null`);
  if (wanted === 'structure') return serializationError('Expected structure or null');
  return serializationError(`${tokenName(value)} can not be converted to ${wanted}`);
}

/** Canonical alphabet, either padding; whitespace and foreign characters are refused. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function decodeBase64(text: string): Buffer {
  if (text.length % 4 !== 0) {
    throw serializationError(
      `Base64 encoded length is expected a multiple of 4 bytes but found: ${text.length}`,
    );
  }
  if (!BASE64.test(text)) throw serializationError('Invalid Base64 character detected');
  return Buffer.from(text, 'base64');
}

/** Assigns like a literal would: a key named `__proto__` is an ordinary member. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

function simpleDecoder(shape: SimpleShape, integer: boolean): Decoder {
  switch (shape.kind) {
    case 'string':
      return (value) => {
        if (typeof value !== 'string') throw wrongType(value, 'a String');
        return value;
      };
    case 'boolean':
      return (value) => {
        if (typeof value !== 'boolean') throw wrongType(value, 'a Boolean');
        return value;
      };
    case 'number':
      if (integer) {
        return (value) => {
          if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(value, 'an Integer');
          return value;
        };
      }
      return (value) => {
        if (typeof value === 'number') return value;
        // The only way to write these in JSON (Smithy, "AWS JSON 1.0 protocol").
        if (value === 'NaN') return Number.NaN;
        if (value === 'Infinity') return Number.POSITIVE_INFINITY;
        if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
        throw wrongType(value, 'a Double');
      };
    case 'blob':
      return (value) => {
        if (typeof value !== 'string') throw wrongType(value, 'a Blob');
        return decodeBase64(value);
      };
    case 'timestamp':
      return (value) => {
        const seconds = parseTimestamp(value, shape.format ?? 'epoch-seconds');
        if (seconds === undefined) throw wrongType(value, 'a Timestamp');
        return seconds;
      };
    case 'document':
      return (value) => value;
  }
}

/** Compiles decoders and encoders of one service; shapes that occur twice are compiled once. */
export class JsonCodec {
  readonly model: Model;
  readonly #decoders = new Map<Shape, Decoder>();
  readonly #encoders = new Map<Shape, Encoder>();

  constructor(model: Model) {
    this.model = model;
  }

  /** Takes what JSON.parse gave; `null` members are absent ones. */
  decoder(shape: Shape): Decoder {
    return this.#compile(this.#decoders, shape, () => {
      if (shape.kind === 'list') {
        const element = this.member(shape.name, shape.member);
        return (value) => {
          if (!Array.isArray(value)) throw wrongType(value, 'list');
          const out = new Array(value.length);
          for (let i = 0; i < value.length; i++) out[i] = value[i] === null ? null : element(value[i]);
          return out;
        };
      }
      if (shape.kind === 'map') {
        const element = this.member(shape.name, shape.value);
        return (value) => {
          if (!isObject(value)) throw wrongType(value, 'map');
          const out: Record<string, unknown> = {};
          for (const key of Object.keys(value)) {
            const each = value[key];
            setOwn(out, key, each === null ? null : element(each));
          }
          return out;
        };
      }
      if (isStructure(shape)) return this.structure(shape, shape.members);
      return simpleDecoder(shape, false);
    });
  }

  /** Decoder of a structure that reads only `members` from the body. */
  structure(shape: StructureShape, members: readonly Member[]): Decoder {
    const known = new Map(
      members.map((member) => [member.jsonName, [member.name, this.member(shape.name, member)] as const]),
    );
    return (value) => {
      if (!isObject(value)) throw wrongType(value, 'structure');
      const out: Record<string, unknown> = {};
      for (const key in value) {
        const entry = known.get(key);
        if (entry === undefined) continue;
        const each = value[key];
        if (each !== null) out[entry[0]] = entry[1](each);
      }
      return out;
    };
  }

  /** Decoder of one member; its place decides whether a number is an integer. */
  member(owner: string, member: Member): Decoder {
    if (member.shape.kind === 'number') {
      return simpleDecoder(member.shape, isInteger(this.model.service, owner, member.name));
    }
    return this.decoder(member.shape);
  }

  /** Gives a value for JSON.stringify; `undefined` and `null` members are left out. */
  encoder(shape: Shape): Encoder {
    return this.#compile(this.#encoders, shape, () => {
      if (shape.kind === 'list') {
        const element = this.encoder(shape.member.shape);
        return (value) => (value as unknown[]).map(element);
      }
      if (shape.kind === 'map') {
        const element = this.encoder(shape.value.shape);
        return (value) => {
          const out: Record<string, unknown> = {};
          const source = value as Record<string, unknown>;
          for (const key of Object.keys(source)) {
            const each = source[key];
            if (each !== undefined && each !== null) setOwn(out, key, element(each));
          }
          return out;
        };
      }
      if (isStructure(shape)) return this.structureEncoder(shape.members);
      if (shape.kind === 'blob') {
        return (value) =>
          typeof value === 'string'
            ? Buffer.from(value).toString('base64')
            : Buffer.from(value as Uint8Array).toString('base64');
      }
      if (shape.kind === 'timestamp') {
        const format = shape.format ?? 'epoch-seconds';
        return (value) => formatTimestamp(value as number, format);
      }
      if (shape.kind === 'number') {
        return (value) => (Number.isFinite(value) ? value : String(value));
      }
      return (value) => value;
    });
  }

  /** Encoder of the members that travel in the body. */
  structureEncoder(members: readonly Member[]): Encoder {
    const compiled = members.map(
      (member) => [member.name, member.jsonName, this.encoder(member.shape)] as const,
    );
    return (value) => {
      const source = value as Record<string, unknown>;
      const out: Record<string, unknown> = {};
      for (const [name, jsonName, encode] of compiled) {
        const each = source[name];
        if (each !== undefined && each !== null) out[jsonName] = encode(each);
      }
      return out;
    };
  }

  /** Compiles once; a shape met again inside itself gets a closure that looks the finished one up. */
  #compile(
    cache: Map<Shape, (value: unknown) => unknown>,
    shape: Shape,
    compile: () => (value: unknown) => unknown,
  ): (value: unknown) => unknown {
    const known = cache.get(shape);
    if (known) return known;
    cache.set(shape, (value) => cache.get(shape)!(value));
    const compiled = compile();
    cache.set(shape, compiled);
    return compiled;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON text of a body → value. An empty body is an empty structure, as AWS takes it. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  // Decoding would put replacement characters in place of broken bytes: a message must not change silently.
  if (!isUtf8(body)) throw serializationError('Invalid UTF-8');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // AWS sends no message here; the code alone says what is wrong.
    throw serializationError('');
  }
}
