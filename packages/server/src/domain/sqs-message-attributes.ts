/**
 * Message attributes as clients send them, checked and turned into what is stored.
 * Source: "Amazon SQS message metadata"; wording observed.
 */
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import {
  ALLOWED_CHARACTERS,
  findIllegalCharacter,
  type MessageAttribute,
  type MessageAttributes,
} from './sqs-message.ts';

/** An attribute on the wire. */
export interface WireAttribute {
  readonly DataType?: string;
  readonly StringValue?: string;
  readonly BinaryValue?: Uint8Array;
  readonly StringListValues?: readonly string[];
  readonly BinaryListValues?: readonly Uint8Array[];
}
export type WireAttributes = Readonly<Record<string, WireAttribute>>;

const MAX_ATTRIBUTES = 10;
/** Bytes of a name, and of a type. */
const MAX_NAME_BYTES = 256;

const NAME = /^[\p{L}\p{N}_.-]+$/u;
const RESERVED = /^(aws|amazon)\./i;
const TYPE = /^(String|Number|Binary)(\.|$)/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

const invalid = (message: string) => refuse('InvalidParameterValueException', message);

/** `undefined` when there are none. `operation` is named where AWS names it. */
export function readMessageAttributes(
  wire: WireAttributes | undefined,
  operation: string,
): MessageAttributes | Refusal | undefined {
  if (!wire) return undefined;
  const names = Object.keys(wire);
  if (names.length === 0) return undefined;
  if (names.length > MAX_ATTRIBUTES) {
    return invalid(
      `Number of message attributes [${names.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`,
    );
  }
  const attributes: MessageAttributes = {};
  for (const name of names) {
    const attribute = checkName(name) ?? readValue(name, wire[name] as WireAttribute, operation);
    if (isRefusal(attribute)) return attribute;
    attributes[name] = attribute;
  }
  return attributes;
}

function checkName(name: string): Refusal | undefined {
  if (name === '') return invalid('The request must contain non-empty message (user) attribute names.');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return invalid(`Message (user) attribute name must be shorter than ${MAX_NAME_BYTES} bytes.`);
  }
  if (RESERVED.test(name)) {
    return invalid(
      "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use.",
    );
  }
  if (!NAME.test(name) || name.startsWith('.') || name.endsWith('.') || name.includes('..')) {
    return invalid(
      `Invalid message (user) attribute name '${name}'. It can contain only alphanumeric characters, underscores, hyphens and periods, must not start or end with a period, and must not have periods in succession.`,
    );
  }
  return undefined;
}

function readValue(name: string, wire: WireAttribute, operation: string): MessageAttribute | Refusal {
  if (wire.StringListValues?.length || wire.BinaryListValues?.length) {
    return invalid(`Message attribute list values in ${operation} operation are not supported.`);
  }
  const { DataType, StringValue, BinaryValue } = wire;
  if (StringValue === undefined && BinaryValue === undefined) {
    return invalid(
      `The message (user) attribute '${name}' must contain a non-empty message attribute value.`,
    );
  }
  if (!DataType) {
    return invalid(`The message (user) attribute '${name}' must contain a non-empty message attribute type.`);
  }
  if (Buffer.byteLength(DataType) > MAX_NAME_BYTES) {
    return invalid(`Message (user) attribute type must be shorter than ${MAX_NAME_BYTES} bytes.`);
  }
  const type = TYPE.exec(DataType)?.[1];
  if (!type) {
    return invalid(
      `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    );
  }
  const empty = invalid(
    `Message (user) attribute '${name}' must contain a non-empty value of type '${type}'.`,
  );
  if (type === 'Binary') {
    if (!BinaryValue || BinaryValue.length === 0) return empty;
    return { DataType, BinaryValue: Buffer.from(BinaryValue).toString('base64') };
  }
  if (!StringValue) return empty;
  const illegal = findIllegalCharacter(StringValue);
  if (illegal) {
    return invalid(
      `Invalid binary character '${illegal}' was found in the message (user) attribute '${name}' value, the set of allowed characters is ${ALLOWED_CHARACTERS}.`,
    );
  }
  if (type === 'Number' && !NUMBER.test(StringValue)) {
    return invalid(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  return { DataType, StringValue };
}

/** System attributes: AWS takes only `AWSTraceHeader`, a string. Gives its value. */
export function readTraceHeader(wire: WireAttributes | undefined): string | Refusal | undefined {
  if (!wire) return undefined;
  for (const name of Object.keys(wire)) {
    if (name !== 'AWSTraceHeader') return invalid(`Message system attribute name '${name}' is invalid.`);
  }
  const header = wire.AWSTraceHeader;
  if (!header) return undefined;
  if (header.DataType !== 'String' || !header.StringValue) {
    return invalid(
      "The message system attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.",
    );
  }
  return header.StringValue;
}
