import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonCodec } from './json-codec.ts';
import { loadModel, type Member, type Shape } from './model.ts';
import type { ServiceName } from './operation.ts';

/** Values of a shape as handlers know them. */
function valuesOf(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 8 });
    case 'number':
      return fc.integer();
    case 'boolean':
      return fc.boolean();
    case 'blob':
      return fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes));
    case 'timestamp':
      return fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => ms / 1000);
    case 'document':
      return fc.constant('d');
    case 'list':
      return fc.array(valuesOf(shape.member.shape, depth + 1), { maxLength: depth > 3 ? 0 : 2 });
    case 'map':
      return fc.dictionary(fc.string({ maxLength: 4 }), valuesOf(shape.value.shape, depth + 1), {
        maxKeys: depth > 3 ? 0 : 2,
        noNullPrototype: true,
      });
    default: {
      const members = depth > 3 ? [] : shape.members;
      const named = members.map(
        (member: Member) => [member.name, valuesOf(member.shape, depth + 1)] as const,
      );
      return fc.record(Object.fromEntries(named), { requiredKeys: [], noNullPrototype: true });
    }
  }
}

const CASES: readonly [ServiceName, string][] = [
  ['sqs', 'ReceiveMessageResult'],
  ['sqs', 'SendMessageBatchRequest'],
  ['logs', 'FilterLogEventsResponse'],
  ['logs', 'PutMetricFilterRequest'],
  ['cloudwatch', 'PutMetricDataInput'],
  ['cloudwatch', 'DescribeAlarmsOutput'],
  ['lambda', 'FunctionConfiguration'],
  ['lambda', 'CreateEventSourceMappingRequest'],
];

for (const [service, name] of CASES) {
  test(`what is encoded is decoded to the same: ${name} of ${service}`, () => {
    const model = loadModel(service);
    const shape = model.shapes.get(name)!;
    const codec = new JsonCodec(model);
    const encode = codec.encoder(shape);
    const decode = codec.decoder(shape);
    fc.assert(
      fc.property(valuesOf(shape), (value) => {
        assert.deepEqual(decode(JSON.parse(JSON.stringify(encode(value)))), value);
      }),
      { numRuns: 60 },
    );
  });
}

test('any JSON is decoded or refused by name, never anything else', () => {
  const model = loadModel('cloudwatch');
  const decode = new JsonCodec(model).decoder(model.shapes.get('PutMetricDataInput')!);
  const inner = fc.oneof(fc.jsonValue(), fc.constant([{}]), fc.constant({ Value: 'NaN' }));
  fc.assert(
    fc.property(
      fc.oneof(inner, fc.record({ Namespace: inner, MetricData: fc.oneof(inner, fc.array(inner)) })),
      (value) => {
        try {
          decode(value);
        } catch (error) {
          assert.equal((error as Error).name, 'SerializationException');
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('handlers cannot leak what the model does not know', () => {
  const model = loadModel('sqs');
  const encode = new JsonCodec(model).encoder(model.shapes.get('ReceiveMessageResult')!);
  assert.deepEqual(encode({ Messages: [{ Body: 'b', secret: 1, MD5OfBody: null }], internal: true }), {
    Messages: [{ Body: 'b' }],
  });
});

test('doubles that JSON has no number for', () => {
  const model = loadModel('cloudwatch');
  const codec = new JsonCodec(model);
  const shape = model.shapes.get('MetricDatum')!;
  assert.deepEqual(codec.decoder(shape)({ Value: '-Infinity', Values: ['NaN', 1.5] }), {
    Value: Number.NEGATIVE_INFINITY,
    Values: [Number.NaN, 1.5],
  });
  assert.deepEqual(codec.encoder(shape)({ Value: Number.POSITIVE_INFINITY }), { Value: 'Infinity' });
});
