import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeReceiptHandle, encodeReceiptHandle } from './sqs-receipt-handle.ts';

const receipts = fc.record(
  {
    queue: fc.string({ minLength: 1, maxLength: 80 }),
    seq: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    id: fc.oneof(
      fc.uuid(),
      fc.string({ minLength: 1, maxLength: 40 }).filter((id) => id.isWellFormed()),
    ),
    lease: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  },
  { noNullPrototype: true },
);
const times = fc.integer({ min: 0, max: 2 ** 45 });

test('a handle says what went into it', () => {
  fc.assert(
    fc.property(receipts, times, (receipt, receivedAt) => {
      const handle = encodeReceiptHandle(receipt, receivedAt);
      assert.deepEqual(decodeReceiptHandle(receipt.queue, handle), { receipt, receivedAt });
    }),
  );
});

test('a changed handle, or one of another queue, is none', () => {
  fc.assert(
    fc.property(
      receipts,
      times,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (receipt, receivedAt, at, flip) => {
        const bytes = Buffer.from(encodeReceiptHandle(receipt, receivedAt), 'base64');
        const index = at % bytes.length;
        bytes[index] = (bytes[index] as number) ^ flip;
        assert.equal(decodeReceiptHandle(receipt.queue, bytes.toString('base64')), undefined);
        assert.equal(
          decodeReceiptHandle(`${receipt.queue}x`, encodeReceiptHandle(receipt, receivedAt)),
          undefined,
        );
      },
    ),
  );
});

test('garbage is no handle', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => decodeReceiptHandle('q', text) === undefined),
  );
  assert.equal(decodeReceiptHandle('q', 'A'.repeat(100_000)), undefined);
});
