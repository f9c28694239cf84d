/** CloudWatch Logs with the SDK's own client, over the real front and store. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  ListTagsForResourceCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
  paginateFilterLogEvents,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { StoreLogSink } from '../../src/engine/log-sink.ts';
import { createLogsService } from '../../src/services/logs/index.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { serveAlone } from '../support/service-alone.ts';

const wholeFile = { after } as Cleanup;
const parts = await serveAlone(wholeFile, createLogsService);
const client = new CloudWatchLogsClient({
  endpoint: parts.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
});
atEnd(wholeFile, () => client.destroy());

async function refusal(work: Promise<unknown>): Promise<{ name: string; message: string; status: number }> {
  try {
    await work;
  } catch (error) {
    const { name, message, $metadata } = error as {
      name: string;
      message: string;
      $metadata: { httpStatusCode: number };
    };
    return { name, message, status: $metadata.httpStatusCode };
  }
  return assert.fail('expected a refusal');
}

async function makeStream(group: string, stream = 's'): Promise<void> {
  await client.send(new CreateLogGroupCommand({ logGroupName: group }));
  await client.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: stream }));
}

async function put(group: string, stream: string, events: { timestamp: number; message: string }[]) {
  return client.send(
    new PutLogEventsCommand({ logGroupName: group, logStreamName: stream, logEvents: events }),
  );
}

describe('groups and streams', () => {
  test('live from create to delete', async () => {
    const group = '/test/life';
    await makeStream(group, 'a/b');
    assert.deepEqual(await refusal(client.send(new CreateLogGroupCommand({ logGroupName: group }))), {
      name: 'ResourceAlreadyExistsException',
      message: 'The specified log group already exists',
      status: 400,
    });
    const again = new CreateLogStreamCommand({ logGroupName: group, logStreamName: 'a/b' });
    assert.equal((await refusal(client.send(again))).message, 'The specified log stream already exists');

    const now = Date.now();
    await put(group, 'a/b', [{ timestamp: now, message: 'hello' }]);
    const { logGroups } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/test/li' }));
    assert.equal(logGroups?.length, 1);
    assert.equal(logGroups?.[0]?.arn, 'arn:aws:logs:us-east-1:000000000000:log-group:/test/life:*');
    assert.equal(logGroups?.[0]?.logGroupArn, 'arn:aws:logs:us-east-1:000000000000:log-group:/test/life');
    assert.ok((logGroups?.[0]?.storedBytes ?? 0) > 0);

    const { logStreams } = await client.send(new DescribeLogStreamsCommand({ logGroupName: group }));
    assert.equal(logStreams?.[0]?.logStreamName, 'a/b');
    assert.equal(logStreams?.[0]?.firstEventTimestamp, now);
    assert.equal(
      logStreams?.[0]?.arn,
      'arn:aws:logs:us-east-1:000000000000:log-group:/test/life:log-stream:a/b',
    );

    await client.send(new DeleteLogStreamCommand({ logGroupName: group, logStreamName: 'a/b' }));
    const gone = new GetLogEventsCommand({ logGroupName: group, logStreamName: 'a/b' });
    assert.equal((await refusal(client.send(gone))).message, 'The specified log stream does not exist.');
    await client.send(new DeleteLogGroupCommand({ logGroupName: group }));
    assert.equal((await refusal(client.send(gone))).message, 'The specified log group does not exist.');
    // A group of the same name starts empty.
    await makeStream(group, 'a/b');
    assert.deepEqual((await client.send(gone)).events, []);
  });

  test('are listed page by page', async () => {
    await client.send(new CreateLogGroupCommand({ logGroupName: '/pages' }));
    for (let i = 0; i < 60; i++) {
      await client.send(new CreateLogStreamCommand({ logGroupName: '/pages', logStreamName: `s${i}` }));
    }
    const names: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await client.send(
        new DescribeLogStreamsCommand({ logGroupName: '/pages', nextToken, limit: 25 }),
      );
      names.push(...(page.logStreams ?? []).map((stream) => stream.logStreamName));
      nextToken = page.nextToken;
    } while (nextToken);
    assert.equal(new Set(names).size, 60);
    assert.deepEqual(names, [...names].sort());
    const bad = new DescribeLogStreamsCommand({ logGroupName: '/pages', nextToken: 'x y' });
    assert.equal((await refusal(client.send(bad))).name, 'InvalidParameterException');
  });

  test('names are checked in AWS’s words', async () => {
    const spaced = await refusal(client.send(new CreateLogGroupCommand({ logGroupName: 'a b' })));
    assert.equal(spaced.name, 'InvalidParameterException');
    assert.match(
      spaced.message,
      /^1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy/,
    );
    await client.send(new CreateLogGroupCommand({ logGroupName: '/names' }));
    const colon = new CreateLogStreamCommand({ logGroupName: '/names', logStreamName: 'a:b' });
    assert.equal((await refusal(client.send(colon))).name, 'InvalidParameterException');
  });

  test('retention and tags', async () => {
    await client.send(new CreateLogGroupCommand({ logGroupName: '/kept', tags: { a: '1' } }));
    await client.send(new PutRetentionPolicyCommand({ logGroupName: '/kept', retentionInDays: 7 }));
    const describe = new DescribeLogGroupsCommand({ logGroupNamePrefix: '/kept' });
    assert.equal((await client.send(describe)).logGroups?.[0]?.retentionInDays, 7);
    const odd = new PutRetentionPolicyCommand({ logGroupName: '/kept', retentionInDays: 8 });
    assert.equal((await refusal(client.send(odd))).name, 'InvalidParameterException');
    await client.send(new DeleteRetentionPolicyCommand({ logGroupName: '/kept' }));
    assert.equal((await client.send(describe)).logGroups?.[0]?.retentionInDays, undefined);
    const resourceArn = 'arn:aws:logs:us-east-1:000000000000:log-group:/kept';
    await client.send(new TagResourceCommand({ resourceArn, tags: { b: '2' } }));
    await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a'] }));
    assert.deepEqual((await client.send(new ListTagsForResourceCommand({ resourceArn }))).tags, { b: '2' });
  });
});

describe('PutLogEvents', () => {
  test('refuses what AWS refuses', async () => {
    await makeStream('/put');
    const now = Date.now();
    const cases: [() => Promise<unknown>, string, RegExp][] = [
      [
        () => put('/nowhere', 's', [{ timestamp: now, message: 'x' }]),
        'ResourceNotFoundException',
        /^The specified log group does not exist\.$/,
      ],
      [
        () => put('/put', 'other', [{ timestamp: now, message: 'x' }]),
        'ResourceNotFoundException',
        /^The specified log stream does not exist\.$/,
      ],
      [
        () =>
          put('/put', 's', [
            { timestamp: now, message: 'x' },
            { timestamp: now - 1, message: 'y' },
          ]),
        'InvalidParameterException',
        /^Log events in a single PutLogEvents request must be in chronological order\.$/,
      ],
      [
        () =>
          put('/put', 's', [
            { timestamp: now - 90_000_000, message: 'x' },
            { timestamp: now, message: 'y' },
          ]),
        'InvalidParameterException',
        /24 hours/,
      ],
      [
        () => put('/put', 's', [{ timestamp: now, message: 'x'.repeat(1_048_576) }]),
        'InvalidParameterException',
        /^Upload too large: 1048602 bytes exceeds limit of 1048576$/,
      ],
      [
        () => put('/put', 's', []),
        'InvalidParameterException',
        /at 'logEvents' failed to satisfy constraint/,
      ],
      [
        () => put('/put', 's', [{ timestamp: now, message: '' }]),
        'InvalidParameterException',
        /logEvents\.1\.member\.message/,
      ],
    ];
    for (const [work, name, message] of cases) {
      const found = await refusal(work());
      assert.equal(found.name, name);
      assert.match(found.message, message);
    }
    const { events } = await client.send(
      new GetLogEventsCommand({ logGroupName: '/put', logStreamName: 's' }),
    );
    assert.deepEqual(events, []);
  });

  test('skips what is too old, too new or past its retention, and says which', async () => {
    await makeStream('/window');
    await client.send(new PutRetentionPolicyCommand({ logGroupName: '/window', retentionInDays: 3 }));
    const now = Date.now();
    const day = 86_400_000;
    assert.deepEqual(
      (await put('/window', 's', [{ timestamp: now - 15 * day, message: 'old' }])).rejectedLogEventsInfo,
      { tooOldLogEventEndIndex: 1, expiredLogEventEndIndex: 1 },
    );
    assert.deepEqual(
      (
        await put('/window', 's', [
          { timestamp: now - 3 * day - 60_000, message: 'expired' },
          { timestamp: now - 3 * day + 60_000, message: 'kept' },
        ])
      ).rejectedLogEventsInfo,
      { expiredLogEventEndIndex: 1 },
    );
    const answer = await put('/window', 's', [
      { timestamp: now, message: 'now' },
      { timestamp: now + 3 * 3_600_000, message: 'new' },
    ]);
    assert.deepEqual(answer.rejectedLogEventsInfo, { tooNewLogEventStartIndex: 1 });
    assert.equal(answer.nextSequenceToken?.length, 56);
    const { events } = await client.send(
      new GetLogEventsCommand({ logGroupName: '/window', logStreamName: 's', startFromHead: true }),
    );
    assert.deepEqual(
      events?.map((event) => event.message),
      ['kept', 'now'],
    );
  });
});

describe('GetLogEvents', () => {
  test('pages forward and backward; the token at either end stays the same', async () => {
    await makeStream('/get');
    const start = Date.now() - 100;
    await put(
      '/get',
      's',
      Array.from({ length: 25 }, (_, i) => ({ timestamp: start + (i >> 1), message: `m${i}` })),
    );
    const read = (input: object) =>
      client.send(new GetLogEventsCommand({ logGroupName: '/get', logStreamName: 's', limit: 10, ...input }));
    const messages = (events: { message?: string }[] | undefined) =>
      (events ?? []).map((event) => event.message);
    const named = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

    const tail = await read({});
    assert.deepEqual(messages(tail.events), named(15, 25));
    const older = await read({ nextToken: tail.nextBackwardToken });
    assert.deepEqual(messages(older.events), named(5, 15));
    const oldest = await read({ nextToken: older.nextBackwardToken });
    assert.deepEqual(messages(oldest.events), named(0, 5));
    const before = await read({ nextToken: oldest.nextBackwardToken });
    assert.deepEqual(before.events, []);
    assert.equal(before.nextBackwardToken, oldest.nextBackwardToken);

    const head = await read({ startFromHead: true });
    assert.deepEqual(messages(head.events), named(0, 10));
    const next = await read({ nextToken: head.nextForwardToken });
    assert.deepEqual(messages(next.events), named(10, 20));
    const last = await read({ nextToken: next.nextForwardToken });
    const end = await read({ nextToken: last.nextForwardToken });
    assert.deepEqual(end.events, []);
    assert.equal(end.nextForwardToken, last.nextForwardToken);
    // What arrives later is behind the same token.
    await put('/get', 's', [{ timestamp: Date.now(), message: 'late' }]);
    assert.deepEqual(messages((await read({ nextToken: end.nextForwardToken })).events), ['late']);

    assert.deepEqual(
      messages((await read({ startFromHead: true, startTime: start + 1, endTime: start + 2 })).events),
      ['m2', 'm3'],
    );
  });

  test('an empty stream has tokens too', async () => {
    await makeStream('/empty');
    const read = (nextToken?: string) =>
      client.send(new GetLogEventsCommand({ logGroupName: '/empty', logStreamName: 's', nextToken }));
    const first = await read();
    assert.deepEqual(first.events, []);
    await put('/empty', 's', [{ timestamp: Date.now(), message: 'x' }]);
    assert.equal((await read(first.nextForwardToken)).events?.length, 1);
    assert.equal((await read(first.nextBackwardToken)).events?.length, 0);
  });

  test('refuses tokens it did not make and limits out of range', async () => {
    await makeStream('/bad-get');
    const input = { logGroupName: '/bad-get', logStreamName: 's' };
    for (const nextToken of ['invalid', 'f/x y/s', 'f/AAAA/s']) {
      assert.deepEqual(await refusal(client.send(new GetLogEventsCommand({ ...input, nextToken }))), {
        name: 'InvalidParameterException',
        message: 'The specified nextToken is invalid.',
        status: 400,
      });
    }
    const limit = await refusal(client.send(new GetLogEventsCommand({ ...input, limit: 10_001 })));
    assert.equal(
      limit.message,
      "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    );
  });
});

describe('FilterLogEvents', () => {
  test('matches patterns over streams in order of time, page by page', async () => {
    await makeStream('/filter', 'a');
    await client.send(new CreateLogStreamCommand({ logGroupName: '/filter', logStreamName: 'b' }));
    const start = Date.now() - 1_000;
    const lines = (stream: string, odd: number) =>
      Array.from({ length: 50 }, (_, i) => ({
        timestamp: start + 2 * i + odd,
        message: `${i % 5 === 0 ? 'ERROR' : 'INFO'} ${stream}${i}`,
      }));
    await put('/filter', 'a', lines('a', 0));
    await put('/filter', 'b', lines('b', 1));
    const found: string[] = [];
    for await (const page of paginateFilterLogEvents(
      { client, pageSize: 7 },
      { logGroupName: '/filter', filterPattern: 'ERROR' },
    )) {
      found.push(...(page.events ?? []).map((event) => `${event.logStreamName}:${event.message}`));
    }
    assert.equal(found.length, 20);
    assert.deepEqual(found.slice(0, 3), ['a:ERROR a0', 'b:ERROR b0', 'a:ERROR a5']);

    const one = await client.send(
      new FilterLogEventsCommand({
        logGroupName: '/filter',
        logStreamNames: ['b'],
        startTime: start + 1,
        endTime: start + 3,
      }),
    );
    assert.deepEqual(
      one.events?.map((event) => event.message),
      ['ERROR b0', 'INFO b1'],
    );
    assert.equal(new Set(one.events?.map((event) => event.eventId)).size, 2);
    const prefix = await client.send(
      new FilterLogEventsCommand({ logGroupName: '/filter', logStreamNamePrefix: 'a', limit: 1 }),
    );
    assert.equal(prefix.events?.[0]?.logStreamName, 'a');
    assert.ok(prefix.nextToken);
  });

  test('refuses a bad token, limit or pattern', async () => {
    await makeStream('/bad-filter');
    const send = (input: object) =>
      refusal(client.send(new FilterLogEventsCommand({ logGroupName: '/bad-filter', ...input })));
    assert.equal((await send({ nextToken: 'unknown' })).message, 'The specified nextToken is invalid.');
    assert.match((await send({ limit: 10_001 })).message, /'10001' at 'limit'/);
    assert.match((await send({ filterPattern: '{ $.a = ' })).message, /^Invalid filter pattern/);
  });
});

test('function output makes its group and is found under it', async () => {
  const { store, clock, activity } = parts;
  const sink = new StoreLogSink({ store, clock, activity });
  const at = clock.now();
  for (let run = 0; run < 3; run++) {
    sink.write(
      '/aws/lambda/f',
      'one',
      [
        { at, text: `START ${run}\n` },
        { at, text: 'hello\n' },
      ],
      `id-${run}`,
    );
    sink.write('/aws/lambda/f', 'one', [{ at, text: `END ${run}\n` }], `id-${run}`);
    sink.write('/aws/lambda/f', 'two', [{ at, text: `START ${run}\n` }], `other-${run}`);
  }
  await sink.flush();
  assert.ok(activity.idle);
  const { logGroups } = await client.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/lambda/f' }),
  );
  assert.equal(logGroups?.length, 1);
  const { events } = await client.send(
    new GetLogEventsCommand({ logGroupName: '/aws/lambda/f', logStreamName: 'one', startFromHead: true }),
  );
  assert.deepEqual(
    events?.map((event) => event.message),
    [0, 1, 2].flatMap((run) => [`START ${run}\n`, 'hello\n', `END ${run}\n`]),
  );
  const labelled = await store.readLines({
    group: '/aws/lambda/f',
    label: 'id-1',
    order: 'ascending',
    limit: 10,
  });
  assert.deepEqual(
    labelled.map((line) => line.text),
    ['START 1\n', 'hello\n', 'END 1\n'],
  );
});

test('lines that the disk refused are stored when it works again', async () => {
  const { store, clock, activity } = parts;
  const errors: unknown[] = [];
  const sink = new StoreLogSink({ store, clock, activity, onError: (error) => errors.push(error) });
  await store.injectDiskFault({ kind: 'failingFlush' });
  sink.write('/aws/lambda/g', 's', [{ at: clock.now(), text: 'first' }]);
  await sink.flush();
  assert.equal(errors.length, 1);
  await store.injectDiskFault(undefined);
  sink.write('/aws/lambda/g', 's', [{ at: clock.now(), text: 'second' }]);
  const read = () => store.readLines({ group: '/aws/lambda/g', order: 'ascending', limit: 10 });
  const deadline = Date.now() + 5_000;
  while ((await read()).length < 2 && Date.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    (await read()).map((line) => line.text),
    ['first', 'second'],
  );
});
