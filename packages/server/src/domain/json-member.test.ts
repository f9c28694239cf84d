import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findMember, replaceSpan } from './json-member.ts';

const textOf = (json: string, name: string) => {
  const span = findMember(json, name);
  return span && json.slice(span.start, span.end);
};

test('a member is found as it was written', () => {
  assert.equal(textOf('{"a": 1.50 , "b":{"c":[1,"}"]}}', 'a'), '1.50');
  assert.equal(textOf('{"a": 1.50 , "b":{"c":[1,"}"]}}', 'b'), '{"c":[1,"}"]}');
  assert.equal(textOf('{"x":{"b":1},"b":9007199254740993}', 'b'), '9007199254740993');
  assert.equal(textOf('{"\\u0061":"\\"\\\\"}', 'a'), '"\\"\\\\"');
  assert.equal(textOf('[1]', 'a'), undefined);
  assert.equal(textOf('{}', 'a'), undefined);
});

test('of any object, every member is found, and putting it back changes nothing', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 1, '\t'),
      (value, indent) => {
        const json = JSON.stringify(value, undefined, indent);
        for (const [name, member] of Object.entries(value)) {
          const span = findMember(json, name);
          assert.ok(span);
          const text = json.slice(span.start, span.end);
          assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(member)));
          assert.equal(replaceSpan(json, span, text), json);
        }
      },
    ),
  );
});
