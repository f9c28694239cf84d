/**
 * Receipt handles: opaque to clients, self-contained for us. A handle names the queue, the message, which of its
 * receives it stands for and when that was; a checksum tells garbage from what we made. Not a secret: whoever may
 * call DeleteMessage may delete.
 *
 * Layout: version 1 byte, queue 4 (hash of its name), position 6, lease 4, receive time 6, id, checksum 4.
 */
import type { Receipt } from '../store/store.ts';

const VERSION = 1;
const HEADER_BYTES = 21;
const CHECKSUM_BYTES = 4;
const MAX_HANDLE_CHARS = 1024;

export interface ReceiptHandle {
  readonly receipt: Receipt;
  /** When the message was received, epoch ms: the 12 hours of visibility count from here. */
  readonly receivedAt: number;
}

export function encodeReceiptHandle(receipt: Receipt, receivedAt: number): string {
  const idBytes = Buffer.byteLength(receipt.id);
  const length = HEADER_BYTES + idBytes + CHECKSUM_BYTES;
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = VERSION;
  bytes.writeUInt32BE(hashText(receipt.queue), 1);
  bytes.writeUIntBE(receipt.seq, 5, 6);
  bytes.writeUInt32BE(receipt.lease >>> 0, 11);
  bytes.writeUIntBE(receivedAt, 15, 6);
  bytes.write(receipt.id, HEADER_BYTES, 'utf8');
  bytes.writeUInt32BE(hashBytes(bytes, length - CHECKSUM_BYTES), length - CHECKSUM_BYTES);
  return bytes.toString('base64');
}

/** `undefined` when this is no handle of that store queue. */
export function decodeReceiptHandle(queue: string, handle: string): ReceiptHandle | undefined {
  if (handle.length > MAX_HANDLE_CHARS) return undefined;
  const bytes = Buffer.from(handle, 'base64');
  const end = bytes.length - CHECKSUM_BYTES;
  if (end <= HEADER_BYTES || bytes[0] !== VERSION) return undefined;
  if (bytes.readUInt32BE(end) !== hashBytes(bytes, end)) return undefined;
  if (bytes.readUInt32BE(1) !== hashText(queue)) return undefined;
  return {
    receipt: {
      queue,
      seq: bytes.readUIntBE(5, 6),
      id: bytes.toString('utf8', HEADER_BYTES, end),
      lease: bytes.readUInt32BE(11),
    },
    receivedAt: bytes.readUIntBE(15, 6),
  };
}

/** FNV-1a, 32 bit. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function hashBytes(bytes: Buffer, end: number): number {
  let h = FNV_OFFSET;
  for (let i = 0; i < end; i++) h = Math.imul(h ^ (bytes[i] as number), FNV_PRIME);
  return h >>> 0;
}

function hashText(text: string): number {
  let h = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return h >>> 0;
}
