import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HmacSha256, sameText } from './hmac-sha256.ts';

test("agrees with node's HMAC for every key and text, one after the other", () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: 'binary', minLength: 400, maxLength: 2000 }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(text, { maxLength: 4 }), (bytes, texts) => {
      const key = Buffer.from(bytes);
      const hmac = new HmacSha256(key);
      for (const each of texts) {
        assert.equal(hmac.hex(each), createHmac('sha256', key).update(each, 'utf8').digest('hex'));
      }
    }),
  );
});

test('texts are the same only when they are', () => {
  assert.ok(sameText('', ''));
  assert.ok(sameText('abc', 'abc'));
  for (const [a, b] of [
    ['abc', 'abd'],
    ['abc', 'ab'],
    ['a', '\u0161'],
  ] as const) {
    assert.ok(!sameText(a, b));
  }
});
