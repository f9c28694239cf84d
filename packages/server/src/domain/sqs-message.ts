/**
 * What a message carries beside its body: attributes of the sender, attributes of the system, their MD5s and
 * sizes. Binary values are base64 in the store, bytes on the wire.
 * Source: "Amazon SQS message metadata"; the MD5 of attributes is described there byte by byte.
 */
import { hash } from 'node:crypto';
import type { JsonObject } from '../store/store.ts';

/** One attribute as it is stored. */
export type MessageAttribute = {
  readonly DataType: string;
  readonly StringValue?: string;
  /** Base64. */
  readonly BinaryValue?: string;
};
export type MessageAttributes = { [name: string]: MessageAttribute };

/** `Message.attributes` of a message in an SQS queue. Absent members save space: there may be millions. */
export interface SqsMessageAttributes extends JsonObject {
  /** Who sent it: account, user id, or the service. */
  senderId?: string;
  /** MD5 of the body; messages of other senders may lack it. */
  bodyMd5?: string;
  messageAttributes?: { [name: string]: MessageAttribute };
  /** `AWSTraceHeader`. */
  traceHeader?: string;
  groupId?: string;
  deduplicationId?: string;
  /** Where a redrive policy took it from. */
  deadLetterSourceArn?: string;
  /** When it did, epoch ms. */
  deadLetteredAt?: number;
  /** Times it had been received when it came into this queue; a policy counts what comes after. */
  receivedBefore?: number;
}

export function md5OfBody(body: string): string {
  return hash('md5', body, 'hex');
}

const TEXT = 1;
const BINARY = 2;

/** `undefined` when there are no attributes: AWS then sends no digest. */
export function md5OfAttributes(attributes: Readonly<MessageAttributes>): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const parts: Buffer[] = [];
  const add = (bytes: Buffer) => {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  };
  for (const name of names) {
    const attribute = attributes[name] as MessageAttribute;
    add(Buffer.from(name));
    add(Buffer.from(attribute.DataType));
    if (attribute.BinaryValue === undefined) {
      parts.push(Buffer.of(TEXT));
      add(Buffer.from(attribute.StringValue ?? ''));
    } else {
      parts.push(Buffer.of(BINARY));
      add(Buffer.from(attribute.BinaryValue, 'base64'));
    }
  }
  return hash('md5', Buffer.concat(parts), 'hex');
}

/** Bytes that count against the size of a message: names, types and values. */
export function sizeOfAttributes(attributes: Readonly<MessageAttributes> | undefined): number {
  let bytes = 0;
  for (const name in attributes) {
    const attribute = attributes[name] as MessageAttribute;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType);
    bytes +=
      attribute.BinaryValue === undefined
        ? Buffer.byteLength(attribute.StringValue ?? '')
        : Buffer.byteLength(attribute.BinaryValue, 'base64');
  }
  return bytes;
}

/**
 * Which attributes a receiver asked for: `All`, `*` and `.*` are all of them, `foo.*` those whose name starts
 * with `foo`, anything else an exact name.
 */
export function selectAttributes(
  attributes: Readonly<MessageAttributes> | undefined,
  names: readonly string[] | undefined,
): MessageAttributes | undefined {
  if (!attributes || !names || names.length === 0) return undefined;
  if (names.some((name) => name === 'All' || name === '*' || name === '.*')) return attributes;
  const selected: MessageAttributes = {};
  let any = false;
  for (const name in attributes) {
    const wanted = names.some((pattern) =>
      pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -2)) : pattern === name,
    );
    if (!wanted) continue;
    selected[name] = attributes[name] as MessageAttribute;
    any = true;
  }
  return any ? selected : undefined;
}

const ILLEGAL = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/**
 * The first character that a message must not contain, as AWS names it (`#x8`); `undefined` when all are allowed.
 * Allowed are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
 */
export function findIllegalCharacter(text: string): string | undefined {
  const match = ILLEGAL.exec(text);
  if (match) return `#x${match[0].charCodeAt(0).toString(16).toUpperCase()}`;
  if (text.isWellFormed()) return undefined;
  // A surrogate without its other half.
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) return `#x${code.toString(16).toUpperCase()}`;
  }
  return undefined;
}

export const ALLOWED_CHARACTERS = '#x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]';
