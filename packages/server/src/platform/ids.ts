/**
 * Identifiers. Request ids are UUIDs whose first 48 bits are the time (version 7, RFC 9562): ids made later
 * sort later, so indexes grow at their end and retention is a range.
 */
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

export interface Ids {
  /** Time-ordered UUID, strictly growing within one process. */
  ordered(): string;
  /** UUID without order (version 4). */
  uuid(): string;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function formatUuid(b: Uint8Array): string {
  const h = (i: number) => HEX[b[i] as number] as string;
  return (
    `${h(0)}${h(1)}${h(2)}${h(3)}-${h(4)}${h(5)}-${h(6)}${h(7)}-${h(8)}${h(9)}-` +
    `${h(10)}${h(11)}${h(12)}${h(13)}${h(14)}${h(15)}`
  );
}

/** Counter values that fit beside one millisecond (rand_a of RFC 9562). */
const COUNTER_LIMIT = 4096;

export function createIds(clock: Clock, random: Random): Ids {
  let lastMs = 0;
  let counter = 0;
  return {
    ordered() {
      const now = clock.now();
      if (now > lastMs) {
        lastMs = now;
        counter = 0;
      } else if (++counter === COUNTER_LIMIT) {
        lastMs++;
        counter = 0;
      }
      const bytes = Buffer.allocUnsafe(16);
      bytes.writeUIntBE(lastMs, 0, 6);
      bytes[6] = 0x70 | (counter >>> 8);
      bytes[7] = counter & 0xff;
      random.bytes(8).copy(bytes, 8);
      bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
      return formatUuid(bytes);
    },
    uuid() {
      const bytes = Buffer.from(random.bytes(16));
      bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
      bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
      return formatUuid(bytes);
    },
  };
}

/** The instant an ordered id was made, epoch ms. */
export function timeOfOrderedId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
