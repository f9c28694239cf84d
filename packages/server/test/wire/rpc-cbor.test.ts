/** RPC v2 CBOR and the two other protocols of CloudWatch with its SDK client: one service, three wires. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CloudWatchClient,
  type CloudWatchClientConfig,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { SmithyRpcV2CborProtocol } from '@smithy/core/cbor';
import { decode } from 'cborg';
import { ApiError } from '../../src/protocol/error.ts';
import { rawRequest } from '../support/raw-request.ts';
import { type Front, refused, startFront } from './front.ts';

let front: Front;
const clients: CloudWatchClient[] = [];

before(async () => {
  front = await startFront([
    {
      name: 'cloudwatch',
      errors: { ResourceNotFound: { status: 404, fault: 'client', queryCode: 'ResourceNotFound' } },
      operations: {
        PutMetricData: () => undefined as never,
        SetAlarmState: () => undefined as never,
        GetDashboard: () => {
          throw new ApiError('ResourceNotFound', 'Dashboard x does not exist');
        },
        DescribeAlarms: {
          MetricAlarms: [{ AlarmName: 'a', Threshold: 21, StateUpdatedTimestamp: 1_790_312_384.592 }],
          CompositeAlarms: [],
        },
      },
    },
  ]);
});
after(async () => {
  for (const client of clients) client.destroy();
  await front.close();
});

function client(more: Partial<CloudWatchClientConfig> = {}): CloudWatchClient {
  const made = new CloudWatchClient({ ...front.client, ...more });
  clients.push(made);
  return made;
}
const cbor = () =>
  client({
    protocol: new SmithyRpcV2CborProtocol({
      defaultNamespace: 'com.amazonaws.cloudwatch',
      errorTypeRegistries: [],
    }) as never,
  });

for (const [wire, make] of [
  ['json', () => client()],
  ['cbor', cbor],
] as const) {
  test(`${wire}: dates, doubles, lists`, async () => {
    const cloudwatch = make();
    await cloudwatch.send(
      new PutMetricDataCommand({
        Namespace: 'n',
        MetricData: [
          {
            MetricName: 'm',
            Timestamp: new Date(1_790_312_384_592),
            Values: [1, 2.5],
            StorageResolution: 60,
          },
        ],
      }),
    );
    assert.equal(front.last().context.wire, wire);
    assert.deepEqual(front.last().input, {
      Namespace: 'n',
      MetricData: [
        { MetricName: 'm', Timestamp: 1_790_312_384.592, Values: [1, 2.5], StorageResolution: 60 },
      ],
    });
    const { MetricAlarms, CompositeAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({}));
    assert.deepEqual(CompositeAlarms, []);
    assert.equal(MetricAlarms![0]!.StateUpdatedTimestamp!.getTime(), 1_790_312_384_592);
    assert.equal(MetricAlarms![0]!.Threshold, 21);
  });

  test(`${wire}: errors`, async () => {
    const cloudwatch = make();
    const error = await refused(cloudwatch.send(new GetDashboardCommand({ DashboardName: 'x' })));
    assert.equal(error.name, 'ResourceNotFound');
    assert.equal(error.message, 'Dashboard x does not exist');
    assert.equal(error.$metadata.httpStatusCode, 404);
    const invalid = await refused(
      cloudwatch.send(
        new SetAlarmStateCommand({ AlarmName: 'a', StateValue: 'INVALID' as never, StateReason: 'r' }),
      ),
    );
    assert.equal(
      invalid.message,
      "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]",
    );
  });
}

test('a large PutMetricData comes compressed', async () => {
  const cloudwatch = client({ requestMinCompressionSizeBytes: 128 });
  const MetricData = Array.from({ length: 200 }, (_, i) => ({ MetricName: `metric-${i}`, Value: i }));
  await cloudwatch.send(new PutMetricDataCommand({ Namespace: 'n', MetricData }));
  assert.equal(front.last().input.MetricData.length, 200);
  assert.equal(front.last().input.MetricData[199].Value, 199);
});

test('malformed CBOR, wrong types, wrong sizes and deep nesting are refused', async () => {
  const open = await startFront([{ name: 'cloudwatch', operations: { DescribeAlarms: {} } }], {
    auth: { mode: 'open' },
  });
  try {
    const bodies: [string, Buffer][] = [
      ['half a map', Buffer.from([0xa1, 0x61])],
      ['a list of 2^32 elements', Buffer.from([0x9b, 0, 0, 0, 1, 0, 0, 0, 0])],
      ['a string of 4 GB', Buffer.from([0x7a, 0xff, 0xff, 0xff, 0xff])],
      ['not a map', Buffer.from([0x01])],
      [
        'text for an integer',
        Buffer.concat([Buffer.from([0xa1, 0x6a]), Buffer.from('MaxRecords'), Buffer.from([0x61, 0x78])]),
      ],
      [
        'a fraction for an integer',
        Buffer.concat([
          Buffer.from([0xa1, 0x6a]),
          Buffer.from('MaxRecords'),
          Buffer.from([0xf9, 0x3e, 0x00]),
        ]),
      ],
      ['a million lists in one another', Buffer.alloc(1_000_000, 0x81)],
      ['the same key twice', Buffer.from([0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x01])],
    ];
    for (const [name, body] of bodies) {
      const reply = await rawRequest(open.port, {
        path: '/service/GraniteServiceVersion20100801/operation/DescribeAlarms',
        headers: [
          ['smithy-protocol', 'rpc-v2-cbor'],
          ['Content-Type', 'application/cbor'],
        ],
        body,
      });
      assert.equal(reply.status, 400, name);
      assert.equal(reply.headers['x-amzn-query-error'], 'MalformedInput;Sender', name);
      assert.equal(reply.headers['content-type'], 'application/cbor', name);
      assert.equal(reply.headers['smithy-protocol'], 'rpc-v2-cbor', name);
      const error = decode(Buffer.from(reply.text.slice(reply.text.indexOf('\r\n\r\n') + 4), 'latin1'));
      assert.equal(error.__type, 'com.amazon.coral.service#SerializationException', name);
    }
  } finally {
    await open.close();
  }
});
