import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogReader } from './log-reader.ts';

const NONCE = Buffer.from('0123456789abcdef', 'hex');

function frame(sequence: number, kind: number, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(17);
  NONCE.copy(head);
  head.writeUInt32LE(sequence, 8);
  head[12] = kind;
  head.writeUInt32LE(body.length, 13);
  return Buffer.concat([head, body]);
}

/** Reads the bytes in pieces cut at the given places. */
function read(bytes: Buffer, cuts: readonly number[] = []): string[] {
  const seen: string[] = [];
  const reader = new LogReader(NONCE, {
    record: (sequence, text) => seen.push(`${sequence}:${text}`),
    raw: (text) => seen.push(`raw:${text}`),
  });
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const place of [...places, bytes.length]) {
    reader.push(bytes.subarray(at, place));
    at = place;
  }
  reader.end();
  return seen;
}

test('records, lines and unsigned text, however they are cut', () => {
  const bytes = Buffer.concat([
    Buffer.from('before\n'),
    frame(1, 1, 'one\nevent\n'),
    frame(1, 2, 'a li'),
    Buffer.from('be'),
    frame(1, 2, 'ne\nnext '),
    Buffer.from('tween\n'),
    frame(2, 1 | 128, 'long '),
    frame(2, 1, 'event'),
    frame(2, 2, 'line\n'),
    Buffer.from('the end'),
  ]);
  const expected = [
    ...['raw:before\n', '1:one\nevent\n', '1:a line\n', 'raw:between\n'],
    ...['2:long event', '2:next line\n', 'raw:the end'],
  ];
  assert.deepEqual(read(bytes), expected);
  fc.assert(fc.property(fc.array(fc.nat()), (cuts) => assert.deepEqual(read(bytes, cuts), expected)));
});

test('text that looks like the beginning of a frame is still text', () => {
  const bytes = Buffer.concat([
    Buffer.from('x'),
    NONCE.subarray(0, 5),
    Buffer.from('y\n'),
    NONCE.subarray(0, 3),
  ]);
  assert.equal(read(bytes).length, 2);
});

test('a line without an end is cut', () => {
  const lines = read(Buffer.alloc(600_000, 'x'));
  assert.deepEqual(
    lines.map((line) => line.length - 4),
    [262_144, 262_144, 75_712],
  );
});
