/** CloudWatch over the three protocols that its clients speak: the same data goes in and comes out of each. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { decode, encode, Tagged } from 'cborg';
import type { Cleanup } from '../support/cleanup.ts';
import { startInProcess } from '../support/server-inside.ts';

const server = await startInProcess({ after } as Cleanup, { clock: 'virtual' });
const now = Math.floor(Date.now() / 1000);

async function json(operation: string, input: object) {
  const response = await fetch(server.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `GraniteServiceVersion20100801.${operation}`,
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text), headers: response.headers };
}

async function cbor(operation: string, input: object) {
  const response = await fetch(
    `${server.endpoint}/service/GraniteServiceVersion20100801/operation/${operation}`,
    {
      method: 'POST',
      headers: {
        'smithy-protocol': 'rpc-v2-cbor',
        'content-type': 'application/cbor',
        accept: 'application/cbor',
      },
      body: new Uint8Array(encode(input)),
    },
  );
  const bytes = new Uint8Array(await response.arrayBuffer());
  // Tag 1 is an instant in epoch seconds.
  const tags = Tagged.preserve(1);
  const body = bytes.length === 0 ? {} : decode(bytes, { tags, useMaps: false });
  return { status: response.status, body, headers: response.headers };
}

async function query(operation: string, parameters: Record<string, string>) {
  const body = new URLSearchParams({ Action: operation, Version: '2010-08-01', ...parameters });
  const response = await fetch(server.endpoint, { method: 'POST', body });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

test('PutMetricData and GetMetricStatistics', async () => {
  const instant = (at: number) => new Tagged(1, at);
  const put = await json('PutMetricData', {
    Namespace: 'n',
    MetricData: [{ MetricName: 'm', Value: 1, Timestamp: now }],
  });
  assert.equal(put.status, 200);
  const datum = { MetricName: 'm', Value: 2.5, Timestamp: instant(now) };
  assert.equal((await cbor('PutMetricData', { Namespace: 'n', MetricData: [datum] })).status, 200);
  const posted = await query('PutMetricData', {
    Namespace: 'n',
    'MetricData.member.1.MetricName': 'm',
    'MetricData.member.1.Value': '4',
    'MetricData.member.1.Timestamp': new Date(now * 1000).toISOString(),
  });
  assert.equal(posted.status, 200);
  assert.match(
    posted.body,
    /<PutMetricDataResponse xmlns="http:\/\/monitoring\.amazonaws\.com\/doc\/2010-08-01\/">/,
  );

  const range = { Namespace: 'n', MetricName: 'm', Period: 60, Statistics: ['Sum'] };
  const asJson = await json('GetMetricStatistics', { ...range, StartTime: now - 120, EndTime: now + 60 });
  assert.equal(asJson.body.Datapoints[0].Sum, 7.5);
  const asCbor = await cbor('GetMetricStatistics', {
    ...range,
    StartTime: instant(now - 120),
    EndTime: instant(now + 60),
  });
  const [point] = (asCbor.body as { Datapoints: { Sum: number; Timestamp: Tagged }[] }).Datapoints;
  assert.equal(point?.Sum, 7.5);
  assert.equal(point?.Timestamp.value, asJson.body.Datapoints[0].Timestamp);
  const asXml = await query('GetMetricStatistics', {
    Namespace: 'n',
    MetricName: 'm',
    Period: '60',
    'Statistics.member.1': 'Sum',
    StartTime: new Date((now - 120) * 1000).toISOString(),
    EndTime: new Date((now + 60) * 1000).toISOString(),
  });
  assert.match(asXml.body, /<Sum>7\.5<\/Sum>/);
  assert.match(asXml.body, /<Timestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:00(\.000)?Z<\/Timestamp>/);
});

test('refusals carry their shape and their query code', async () => {
  const input = { AlarmName: 'none', StateValue: 'OK', StateReason: 'r' };
  const asJson = await json('SetAlarmState', input);
  assert.equal(asJson.status, 404);
  assert.equal(asJson.body.__type, 'com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound');
  assert.equal(asJson.headers.get('x-amzn-query-error'), 'ResourceNotFound;Sender');
  const asCbor = await cbor('SetAlarmState', input);
  assert.equal(asCbor.status, 404);
  assert.equal(
    (asCbor.body as { __type: string }).__type,
    'com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound',
  );
  const asXml = await query('SetAlarmState', input);
  assert.equal(asXml.status, 404);
  assert.match(asXml.body, /<Code>ResourceNotFound<\/Code>/);
  const wrong = await query('SetAlarmState', { ...input, StateValue: 'BAD' });
  assert.match(wrong.body, /<Code>ValidationError<\/Code>/);
});

test('empty lists are sent', async () => {
  const empty = { MetricAlarms: [], CompositeAlarms: [], LogAlarms: [] };
  assert.deepEqual((await json('DescribeAlarms', {})).body, empty);
  assert.deepEqual((await cbor('DescribeAlarms', {})).body, empty);
  assert.match((await query('DescribeAlarms', {})).body, /<CompositeAlarms\/>/);
});
