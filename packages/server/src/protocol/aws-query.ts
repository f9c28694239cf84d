/**
 * awsQuery (SQS, SNS, CloudWatch): parameters of a form in, XML out. Lists and maps come wrapped
 * (`Name.member.1`, `Name.entry.1.key`) or flattened (`Name.1`, `Name.1.Name`) as the model says; requests in
 * the other style are understood too, as AWS does.
 */
import type { Dialect } from './dialect.ts';
import type { ApiError, ErrorRow } from './error.ts';
import { type Form, type FormNode, numbered } from './form.ts';
import { isInteger } from './integers.ts';
import { decodeBase64, serializationError, setOwn } from './json-codec.ts';
import {
  isSimple,
  type ListShape,
  type MapShape,
  type Member,
  type Model,
  type Operation,
  type Shape,
  type StructureShape,
} from './model.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';
import type { HttpReply, Members, OperationCodec, Wire } from './wire.ts';
import { element, escapeXml, textElement } from './xml.ts';

type NodeDecoder = (node: FormNode) => unknown;
/** Gives the whole element or elements of a member. */
type XmlEncoder = (tag: string, value: unknown) => string;

export function createAwsQuery(model: Model, dialect: Dialect): Wire {
  const codec = new QueryCodec(model);
  return {
    name: 'query',
    compile: (operation) => compile(codec, operation, dialect),
    encodeError: (error, row, requestId) => encodeError(error, row, requestId, dialect),
  };
}

function compile(codec: QueryCodec, operation: Operation, dialect: Dialect): OperationCodec {
  const decode = codec.decoder(operation.input);
  const encode = codec.structureEncoder(operation.output);
  const { name } = operation;
  const open = `<?xml version="1.0"?><${name}Response xmlns="${dialect.xmlNamespace}">`;
  return {
    decode: (request) => decode(request.form as Form) as Members,
    encode: (output, requestId) => ({
      status: 200,
      headers: { 'Content-Type': 'text/xml' },
      body: `${open}${operation.noOutput ? '' : element(`${name}Result`, encode(output))}<ResponseMetadata>${textElement('RequestId', requestId)}</ResponseMetadata></${name}Response>`,
    }),
  };
}

function encodeError(error: ApiError, row: ErrorRow, requestId: string, dialect: Dialect): HttpReply {
  const fault = row.fault === 'client' ? 'Sender' : 'Receiver';
  const parts = [
    textElement('Type', fault),
    textElement('Code', row.queryCode ?? error.name),
    textElement('Message', error.message),
  ];
  if (dialect.errorDetail) parts.push('<Detail/>');
  return {
    status: row.status,
    headers: { 'Content-Type': 'text/xml', ...error.headers },
    body: `<?xml version="1.0"?><ErrorResponse xmlns="${dialect.xmlNamespace}">${element('Error', parts.join(''))}${textElement('RequestId', requestId)}</ErrorResponse>`,
  };
}

function malformed(name: string, wanted: string): ApiError {
  return serializationError(`Value of the parameter ${name} can not be converted to ${wanted}`);
}

class QueryCodec {
  readonly #model: Model;
  readonly #decoders = new Map<Shape, NodeDecoder>();
  readonly #encoders = new Map<Shape, (value: unknown) => string>();

  constructor(model: Model) {
    this.#model = model;
  }

  decoder(shape: Shape): NodeDecoder {
    const known = this.#decoders.get(shape);
    if (known) return known;
    this.#decoders.set(shape, (node) => this.#decoders.get(shape)!(node));
    const compiled = this.#compileDecoder(shape);
    this.#decoders.set(shape, compiled);
    return compiled;
  }

  #compileDecoder(shape: Shape): NodeDecoder {
    switch (shape.kind) {
      case 'structure':
      case 'union':
        return this.#structureDecoder(shape);
      case 'list':
        return this.#listDecoder(shape);
      case 'map':
        return this.#mapDecoder(shape);
      default:
        return this.#simpleDecoder(shape, shape.name, false);
    }
  }

  #structureDecoder(shape: StructureShape): NodeDecoder {
    const members = shape.members.map((member) => {
      const decode =
        member.shape.kind === 'number'
          ? this.#simpleDecoder(
              member.shape,
              member.name,
              isInteger(this.#model.service, shape.name, member.name),
            )
          : isSimple(member.shape)
            ? this.#simpleDecoder(member.shape, member.name, false)
            : this.decoder(member.shape);
      return [member.name, member.xmlName ?? member.name, decode] as const;
    });
    return (node) => {
      const out: Members = {};
      if (!node.children) return out;
      for (const [name, tag, decode] of members) {
        const child = node.children.get(tag);
        if (child !== undefined) {
          const value = decode(child);
          if (value !== undefined) out[name] = value;
        }
      }
      return out;
    };
  }

  #listDecoder(shape: ListShape): NodeDecoder {
    const decode = this.decoder(shape.member.shape);
    const tag = shape.member.xmlName ?? 'member';
    return (node) => {
      const items = node.children?.get('member') ?? node.children?.get(tag) ?? node;
      return numbered(items)
        .map(decode)
        .filter((value) => value !== undefined);
    };
  }

  #mapDecoder(shape: MapShape): NodeDecoder {
    const decode = this.decoder(shape.value.shape);
    const keyTag = shape.key.xmlName ?? 'key';
    const valueTag = shape.value.xmlName ?? 'value';
    return (node) => {
      const out: Members = {};
      for (const entry of numbered(node.children?.get('entry') ?? node)) {
        const key = entry.children?.get(keyTag)?.value;
        const value = entry.children?.get(valueTag);
        if (key === undefined || value === undefined) {
          throw serializationError(`An entry of a map needs both ${keyTag} and ${valueTag}`);
        }
        setOwn(out, key, decode(value));
      }
      return out;
    };
  }

  #simpleDecoder(shape: Shape, name: string, integer: boolean): NodeDecoder {
    switch (shape.kind) {
      case 'number':
        return ({ value }) => {
          if (value === undefined) return undefined;
          const number = Number(value);
          if (value.trim() === '' || (integer && !Number.isInteger(number))) {
            throw malformed(name, integer ? 'an Integer' : 'a Double');
          }
          if (Number.isNaN(number) && value !== 'NaN') throw malformed(name, 'a Double');
          return number;
        };
      case 'boolean':
        return ({ value }) => {
          if (value === undefined) return undefined;
          if (value === 'true' || value === 'True') return true;
          if (value === 'false' || value === 'False') return false;
          throw malformed(name, 'a Boolean');
        };
      case 'blob':
        return ({ value }) => (value === undefined ? undefined : decodeBase64(value));
      case 'timestamp':
        return ({ value }) => {
          if (value === undefined) return undefined;
          const seconds = parseTimestamp(value, shape.format ?? 'date-time');
          if (seconds === undefined) throw malformed(name, 'a Timestamp');
          return seconds;
        };
      default:
        return ({ value }) => value;
    }
  }

  /** Content of a structure: the elements of its members. */
  structureEncoder(shape: StructureShape): (value: unknown) => string {
    return this.#contentEncoder(shape);
  }

  /** Encoder of what stands between the tags of a value. */
  #contentEncoder(shape: Shape): (value: unknown) => string {
    const known = this.#encoders.get(shape);
    if (known) return known;
    this.#encoders.set(shape, (value) => this.#encoders.get(shape)!(value));
    const compiled = this.#compileContent(shape);
    this.#encoders.set(shape, compiled);
    return compiled;
  }

  #compileContent(shape: Shape): (value: unknown) => string {
    switch (shape.kind) {
      case 'structure':
      case 'union': {
        const members = shape.members.map(
          (member) => [member.name, member.xmlName ?? member.name, this.#memberEncoder(member)] as const,
        );
        return (value) => {
          let out = '';
          const source = value as Members;
          for (const [name, tag, encode] of members) {
            const each = source[name];
            if (each !== undefined && each !== null) out += encode(tag, each);
          }
          return out;
        };
      }
      case 'list': {
        const tag = shape.member.xmlName ?? 'member';
        const encode = this.#memberEncoder(shape.member);
        return (value) => (value as unknown[]).map((each) => encode(tag, each)).join('');
      }
      case 'map': {
        const entry = this.#entryEncoder(shape);
        return (value) =>
          Object.entries(value as Members)
            .map(([key, each]) => `<entry>${entry(key, each)}</entry>`)
            .join('');
      }
      case 'blob':
        return (value) => Buffer.from(value as Uint8Array).toString('base64');
      case 'timestamp':
        return (value) => String(formatTimestamp(value as number, shape.format ?? 'date-time'));
      case 'string':
        return (value) => escapeXml(value as string);
      default:
        return String;
    }
  }

  #memberEncoder(member: Member): XmlEncoder {
    const { shape } = member;
    if (member.flattened && shape.kind === 'list') {
      const encode = this.#contentEncoder(shape.member.shape);
      return (tag, value) => (value as unknown[]).map((each) => element(tag, encode(each))).join('');
    }
    if (member.flattened && shape.kind === 'map') {
      const entry = this.#entryEncoder(shape);
      return (tag, value) =>
        Object.entries(value as Members)
          .map(([key, each]) => element(tag, entry(key, each)))
          .join('');
    }
    const encode = this.#contentEncoder(shape);
    return (tag, value) => element(tag, encode(value));
  }

  #entryEncoder(shape: MapShape): (key: string, value: unknown) => string {
    const keyTag = shape.key.xmlName ?? 'key';
    const valueTag = shape.value.xmlName ?? 'value';
    const encode = this.#contentEncoder(shape.value.shape);
    return (key, value) => textElement(keyTag, key) + element(valueTag, encode(value));
  }
}
