import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fingerprintOf, normalizeMessage, readErrorPayload } from './fingerprint.ts';

test('what differs from case to case leaves the message', () => {
  for (const [message, normal] of [
    [
      "Cannot read properties of undefined (reading 'id')",
      "Cannot read properties of undefined (reading 'id')",
    ],
    ['order 4711 not found', 'order # not found'],
    ['order A-17 not found', 'order A-# not found'],
    ['connect ECONNREFUSED 127.0.0.1:9', 'connect ECONNREFUSED #'],
    [
      'RequestId: 6f9619ff-8b86-d011-b42d-00cf4fc964ff Error: Task timed out after 3.00 seconds',
      'RequestId: <id> Error: Task timed out after # seconds',
    ],
    ['key 9f86d081884c7d65 expired at 2026-01-31T12:00:05.123Z', 'key <id> expired at <time>'],
    ['token eyJhbGciOiJIUzI1NiIsInR5cCI6 refused', 'token <id> refused'],
    ['first line\nsecond line 5', 'first line'],
    ['', ''],
  ] as const) {
    assert.equal(normalizeMessage(message), normal);
  }
});

test('the same failure in another version of the code, with another id, is the same', () => {
  const failure = (order: number, folder: string, line: number) =>
    fingerprintOf({
      type: 'TypeError',
      message: `order ${order} has no lines`,
      trace: [
        `TypeError: order ${order} has no lines`,
        `    at price (file://${folder}/pricing.mjs:${line}:11)`,
        '    at processTicksAndRejections (node:internal/process/task_queues:105:5)',
        `    at async lib (${folder}/node_modules/lib/index.js:1:2)`,
        `    at async handler (file://${folder}/index.mjs:${line}:3)`,
      ],
    });
  const one = failure(1, '/var/task', 10);
  assert.deepEqual(one.frames, ['price (pricing.mjs)', 'handler (index.mjs)']);
  assert.deepEqual(failure(99_999, '/var/task', 12), one);
  assert.notEqual(fingerprintOf({ ...one, type: 'RangeError' }).id, one.id);
});

test("Python's stack is read from its end", () => {
  const facts = readErrorPayload(
    JSON.stringify({
      errorType: 'KeyError',
      errorMessage: "'id'",
      stackTrace: [
        '  File "/var/task/app.py", line 9, in handler\n    price(event)\n',
        '  File "/var/task/pricing.py", line 3, in price\n    return event["id"]\n',
      ],
    }),
  );
  assert.ok(facts);
  assert.deepEqual(fingerprintOf(facts).frames, ['price (pricing.py)', 'handler (app.py)']);
});

test('any text has a fingerprint, and numbers do not change it', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), (text, a, b) => {
      const at = (n: number) => fingerprintOf({ message: `item ${n}: ${text}` }).id;
      assert.match(at(a), /^[0-9a-f]{12}$/);
      assert.equal(at(a), at(b));
    }),
  );
  assert.equal(readErrorPayload('not json'), undefined);
  assert.equal(readErrorPayload('[1]'), undefined);
});

test('a hostile message is read in linear time', () => {
  const began = performance.now();
  for (const part of ['a1', '1.', '-', '0', 'a', '2026-01-']) normalizeMessage(part.repeat(500_000));
  assert.ok(performance.now() - began < 500);
});
