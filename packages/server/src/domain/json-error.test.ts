import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findJsonFault } from './json-error.ts';

const fault = (text: string | Buffer) => findJsonFault(Buffer.from(text as string));

test('the recorded messages, byte for byte', () => {
  assert.deepEqual(fault(Buffer.from([0x6e, 0x87, 0x72])), {
    text: 'Invalid UTF-8 start byte 0x87',
    line: 1,
    column: 3,
  });
  assert.deepEqual(fault(Buffer.from([0x99, 0xeb])), {
    text: "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
    line: 1,
    column: 1,
  });
});

test('names the line', () => {
  assert.deepEqual(fault('{\n  "a": 1,\n  b: 2}'), {
    text: "Unexpected character ('b' (code 98)): was expecting double-quote to start field name",
    line: 3,
    column: 3,
  });
  assert.equal(fault('hello')?.text.startsWith("Unrecognized token 'hello'"), true);
  assert.equal(fault('{"a"')?.text, 'Unexpected end-of-input');
});

test('agrees with JSON.parse on what is JSON', () => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u00',
      'a',
      '0',
      '1',
      '-',
      '.',
      'e',
      '+',
      'true',
      'null',
      ' ',
      '\n',
      'é',
      '\u0001',
    ],
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
      ),
      (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        assert.equal(findJsonFault(Buffer.from(text)) === undefined, valid, text);
      },
    ),
    { numRuns: 2000 },
  );
});

test('never throws, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      findJsonFault(bytes);
    }),
  );
});
