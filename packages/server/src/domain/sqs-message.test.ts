import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal } from './refusal.ts';
import {
  findIllegalCharacter,
  type MessageAttributes,
  md5OfAttributes,
  selectAttributes,
  sizeOfAttributes,
} from './sqs-message.ts';
import { readMessageAttributes, readTraceHeader, type WireAttributes } from './sqs-message-attributes.ts';

const text = (StringValue: string) => ({ DataType: 'String', StringValue });

/** Digests recorded from AWS. */
const RECORDED: readonly [string, MessageAttributes][] = [
  [
    '4c360f3fdafd970e05fae2f149d997f5',
    { 'Help.Me': text('Me'), Hello: text('There'), General: text('Kenobi') },
  ],
  ['fca026605781cb4126a1e9044df24232', { Hello: text('There'), General: text('Kenobi') }],
  ['83fee93c1bcd8b9a5a923ffacdc636c7', { Hello: text('There'), 'Help.Me': text('Me') }],
  ['a311262e065454b75da111d535b8dacd', { Hello: text('There') }],
  ['ae7155c6026991b6d54b11589678bf9c', { Foo: text('Bar') }],
  ['a45daa70926828a2f0a1db3418e6feb4', { k: text('x') }],
  [
    '8cbe4db156db8a94db8b801b7addb984',
    {
      attr1: {
        DataType: 'Binary',
        BinaryValue: Buffer.from(
          'traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01',
        ).toString('base64'),
      },
    },
  ],
  [
    '5ae4d5d7636402d80f4eb6d213245a88',
    { AWSTraceHeader: text('Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1') },
  ],
];

test('digests of attributes are those AWS computes', () => {
  for (const [digest, attributes] of RECORDED) assert.equal(md5OfAttributes(attributes), digest);
  assert.equal(md5OfAttributes({}), undefined);
});

test('a receiver gets the attributes it asks for', () => {
  const all: MessageAttributes = { 'Help.Me': text('Me'), Hello: text('There'), General: text('Kenobi') };
  const names = (patterns: string[] | undefined) => {
    const selected = selectAttributes(all, patterns);
    return selected && Object.keys(selected).sort();
  };
  const everything = ['General', 'Hello', 'Help.Me'];
  for (const pattern of ['All', '*', '.*']) assert.deepEqual(names([pattern]), everything);
  assert.equal(names(undefined), undefined);
  assert.equal(names([]), undefined);
  assert.equal(names(['Foo', 'Help', 'AWS.', '..foo']), undefined);
  assert.deepEqual(names(['Foo', 'Hello']), ['Hello']);
  assert.deepEqual(names(['Hel.*']), ['Hello', 'Help.Me']);
});

test('characters that XML does not allow are found', () => {
  assert.equal(findIllegalCharacter('tab\t newline\r\n ünïcödé 🎉'), undefined);
  assert.equal(findIllegalCharacter('a\u0001'), '#x1');
  assert.equal(findIllegalCharacter('\uffff'), '#xFFFF');
  assert.equal(findIllegalCharacter('a\ud800b'), '#xD800');
});

test('sizes count names, types and values', () => {
  assert.equal(sizeOfAttributes({ k: text('x') }), 1 + 6 + 1);
  assert.equal(
    sizeOfAttributes({ k: { DataType: 'Binary', BinaryValue: Buffer.alloc(5).toString('base64') } }),
    1 + 6 + 5,
  );
  assert.equal(sizeOfAttributes(undefined), 0);
});

test('attributes that AWS refuses', () => {
  const refusal = (wire: WireAttributes) => {
    const result = readMessageAttributes(wire, 'SendMessage');
    assert.ok(isRefusal(result), JSON.stringify(wire));
    assert.equal(result.error, 'InvalidParameterValueException');
    return result.message;
  };
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`a${i}`, text('x')]));
  assert.equal(refusal(many), 'Number of message attributes [11] exceeds the allowed maximum [10].');
  assert.equal(
    refusal({ '': text('x') }),
    'The request must contain non-empty message (user) attribute names.',
  );
  assert.equal(
    refusal({ ErrorDetails: text('') }),
    "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
  );
  assert.equal(
    refusal({ Hello: {} }),
    "The message (user) attribute 'Hello' must contain a non-empty message attribute value.",
  );
  assert.equal(
    refusal({ Hello: { DataType: 'Odd', StringValue: 'x' } }),
    "The type of message (user) attribute 'Hello' is invalid. You must use only the following supported type prefixes: Binary, Number, String.",
  );
  assert.equal(
    refusal({ Hello: { DataType: 'Number', StringValue: 'world' } }),
    "Can't cast the value of message (user) attribute 'Hello' to a number.",
  );
  assert.equal(
    refusal({ Hello: { DataType: 'String', StringListValues: ['x'] } }),
    'Message attribute list values in SendMessage operation are not supported.',
  );
  assert.match(refusal({ [`L${'x'.repeat(256)}`]: text('x') }), /shorter than 256 bytes/);
  assert.match(
    refusal({ a: { DataType: `Number.${'L'.repeat(256)}`, StringValue: '1' } }),
    /shorter than 256 bytes/,
  );
  for (const name of ['aWs.x', 'AMAZON.x', '.x', 'x.', 'a..b', 'a!', 'a"', 'a§', 'a(', 'a?', 'a b']) {
    refusal({ [name]: text('x') });
  }
  refusal({ a: text('bad \u0008') });
});

test('attributes that AWS takes', () => {
  assert.deepEqual(readMessageAttributes({ 'attr.1øßä': text('ok') }, 'SendMessage'), {
    'attr.1øßä': text('ok'),
  });
  assert.deepEqual(
    readMessageAttributes({ b: { DataType: 'Binary.png', BinaryValue: Buffer.from('x') } }, 'SendMessage'),
    { b: { DataType: 'Binary.png', BinaryValue: 'eA==' } },
  );
  for (const StringValue of ['1', '-1.5', '+.5', '1e10', '12345678901234567890123456789012345678']) {
    assert.ok(!isRefusal(readMessageAttributes({ n: { DataType: 'Number.x', StringValue } }, 'SendMessage')));
  }
  assert.equal(readMessageAttributes({}, 'SendMessage'), undefined);
});

test('the trace header is the only system attribute', () => {
  assert.equal(readTraceHeader({ AWSTraceHeader: text('Root=1') }), 'Root=1');
  assert.equal(readTraceHeader(undefined), undefined);
  const refusal = readTraceHeader({ Hello: text('World') });
  assert.ok(isRefusal(refusal) && refusal.message === "Message system attribute name 'Hello' is invalid.");
});
