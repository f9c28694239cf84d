/** Metrics, alarms, filters and queries over a whole server with functions, on a clock that is moved. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import {
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  PutCompositeAlarmCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeMetricFiltersCommand,
  FilterLogEventsCommand,
  GetQueryResultsCommand,
  PutDataProtectionPolicyCommand,
  PutLogEventsCommand,
  PutMetricFilterCommand,
  PutSubscriptionFilterCommand,
  StartLiveTailCommand,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { startInProcess } from '../support/server-inside.ts';

const EXAMPLE = fileURLToPath(new URL('../../../../examples/orders/template.yaml', import.meta.url));
const wholeFile = { after } as Cleanup;
const server = await startInProcess(wholeFile, { clock: 'virtual', templates: [EXAMPLE] });
const { lambda, sqs, logs, control } = createClients(wholeFile, server.endpoint);
const settings = {
  endpoint: server.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
};
const cloudwatch = new CloudWatchClient(settings);
const sns = new SNSClient(settings);
atEnd(wholeFile, () => {
  cloudwatch.destroy();
  sns.destroy();
});

const HOUR = 3_600_000;

async function range() {
  const now = await control.now();
  return { StartTime: new Date(now - HOUR), EndTime: new Date(now + 120_000) };
}

async function sum(name: string, dimensions: Record<string, string> = {}, namespace = 'AWS/Lambda') {
  const { Datapoints } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      ...(await range()),
      Period: 3600,
      Statistics: ['Sum', 'SampleCount'],
    }),
  );
  const total = (pick: 'Sum' | 'SampleCount') =>
    Datapoints?.length ? Datapoints.reduce((all, point) => all + (point[pick] ?? 0), 0) : undefined;
  return { sum: total('Sum'), samples: total('SampleCount') };
}

async function invoke(FunctionName: string, payload: object = {}): Promise<void> {
  await lambda.send(
    new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(payload) }),
  );
}

describe('metrics of functions', () => {
  test('reconcile with the books', async () => {
    for (let i = 0; i < 5; i++) await invoke('orders-confirm', { id: String(i) });
    await invoke('orders-charge', { id: 'c' });
    await invoke('orders-warehouse', { id: 'w' });
    await control.advance('4m');
    const ledger = await control.ledger();
    assert.equal(ledger.pending, 0);
    assert.deepEqual(await sum('AsyncEventsReceived'), { sum: ledger.accepted, samples: ledger.accepted });
    assert.deepEqual(await sum('AsyncEventsDropped'), {
      sum: ledger.fates.DeadLettered,
      samples: ledger.accepted,
    });
    assert.deepEqual(await sum('Invocations'), { sum: 5 + 2 + 3, samples: 10 });
    assert.deepEqual(await sum('Errors'), { sum: 4, samples: 10 });
    assert.deepEqual(await sum('Errors', { FunctionName: 'orders-warehouse' }), { sum: 3, samples: 3 });
    assert.deepEqual(await sum('Throttles', { FunctionName: 'orders-confirm', Resource: 'orders-confirm' }), {
      sum: 0,
      samples: 5,
    });
    // What never happened has no datapoint.
    assert.deepEqual(await sum('DeadLetterErrors'), { sum: undefined, samples: undefined });
    assert.equal((await sum('NumberOfMessagesSent', { QueueName: 'orders-dead' }, 'AWS/SQS')).sum, 1);
    await lambda.send(new InvokeCommand({ FunctionName: 'orders-confirm', Payload: '{"id":"sync"}' }));
    assert.equal((await sum('Invocations', { FunctionName: 'orders-confirm' })).sum, 6);
  });

  test('are listed under every set of dimensions', async () => {
    const { Metrics } = await cloudwatch.send(
      new ListMetricsCommand({ Namespace: 'AWS/Lambda', MetricName: 'Errors' }),
    );
    const sets = (Metrics ?? []).map(({ Dimensions }) =>
      (Dimensions ?? []).map(({ Name }) => Name).join('+'),
    );
    assert.deepEqual([...new Set(sets)].sort(), ['', 'FunctionName', 'FunctionName+Resource']);
  });
});

describe('custom metrics and metric math', () => {
  test('values, counts and statistic sets; percentiles and expressions', async () => {
    const now = await control.now();
    const Timestamp = new Date(now - 5 * 60_000);
    await cloudwatch.send(
      new PutMetricDataCommand({
        Namespace: 'shop',
        MetricData: [
          {
            MetricName: 'latency',
            Unit: 'Milliseconds',
            Timestamp,
            Values: [1, 2, 3, 100],
            Counts: [1, 1, 1, 1],
          },
          { MetricName: 'orders', Timestamp, Value: 4 },
          {
            MetricName: 'orders',
            Timestamp,
            StatisticValues: { SampleCount: 2, Sum: 6, Minimum: 1, Maximum: 5 },
          },
        ],
      }),
    );
    const stat = (Id: string, MetricName: string, Stat: string) => ({
      Id,
      MetricStat: { Metric: { Namespace: 'shop', MetricName }, Period: 60, Stat },
    });
    const { MetricDataResults } = await cloudwatch.send(
      new GetMetricDataCommand({
        ...(await range()),
        MetricDataQueries: [
          stat('p50', 'latency', 'p50'),
          stat('avg', 'latency', 'Average'),
          stat('orders', 'orders', 'Sum'),
          stat('none', 'nothing', 'Sum'),
          { Id: 'ratio', Expression: 'avg / orders', Label: 'ratio' },
          { Id: 'capped', Expression: 'IF(orders > 5, 5, orders)' },
        ],
      }),
    );
    const values = Object.fromEntries((MetricDataResults ?? []).map(({ Id, Values }) => [Id, Values]));
    assert.deepEqual(values, { p50: [2], avg: [26.5], orders: [10], none: [], ratio: [2.65], capped: [5] });
  });

  test('refusals are AWS’s', async () => {
    const put = (datum: object) =>
      cloudwatch.send(
        new PutMetricDataCommand({ Namespace: 'n', MetricData: [{ MetricName: 'm', ...datum }] }),
      );
    await assert.rejects(put({ Value: 1, Values: [1] }), {
      name: 'InvalidParameterCombinationException',
      message:
        'The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.',
    });
    await assert.rejects(put({ Values: [1, 2], Counts: [1] }), {
      name: 'InvalidParameterValueException',
      message:
        'The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.',
    });
    const now = new Date();
    const query = { Namespace: 'n', MetricName: 'm', Period: 60, Statistics: ['Sum' as const] };
    await assert.rejects(
      cloudwatch.send(new GetMetricStatisticsCommand({ ...query, StartTime: now, EndTime: now })),
      { message: 'The parameter StartTime must be less than the parameter EndTime.' },
    );
    const start = new Date(now.getTime() - 86_400 * 60_000);
    await assert.rejects(
      cloudwatch.send(new GetMetricStatisticsCommand({ ...query, StartTime: start, EndTime: now })),
      /You have requested up to 86400 datapoints, which exceeds the limit of 1440\./,
    );
  });
});

describe('alarms', () => {
  test('fire into a topic, with history, and clear; a composite alarm follows', async () => {
    // Past what the tests before have dropped.
    await control.advance('10m');
    const topic = await sns.send(new CreateTopicCommand({ Name: 'pager' }));
    const queue = await sqs.send(new CreateQueueCommand({ QueueName: 'pager' }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queue.QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    await sns.send(
      new SubscribeCommand({ TopicArn: topic.TopicArn, Protocol: 'sqs', Endpoint: Attributes?.QueueArn }),
    );
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: 'dead letters',
        Namespace: 'AWS/Lambda',
        MetricName: 'AsyncEventsDropped',
        Dimensions: [{ Name: 'FunctionName', Value: 'orders-warehouse' }],
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
        AlarmActions: [topic.TopicArn as string],
      }),
    );
    await cloudwatch.send(
      new PutCompositeAlarmCommand({ AlarmName: 'anything', AlarmRule: 'ALARM("dead letters") OR FALSE' }),
    );
    const states = async () => {
      const found = await cloudwatch.send(
        new DescribeAlarmsCommand({
          AlarmNames: ['dead letters', 'anything'],
          AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
        }),
      );
      return [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])].map(
        (alarm) => alarm.StateValue,
      );
    };
    await control.advance('2m');
    assert.deepEqual(await states(), ['OK', 'OK']);
    await invoke('orders-warehouse', { id: 'x' });
    await control.advance('3m');
    await control.advance('1m');
    assert.deepEqual(await states(), ['ALARM', 'ALARM']);

    const message = await eventually(async () => {
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.QueueUrl }));
      return Messages?.[0];
    });
    const notification = JSON.parse(message.Body as string);
    assert.equal(notification.Subject, 'ALARM: "dead letters" in US East (N. Virginia)');
    const alarm = JSON.parse(notification.Message);
    assert.equal(alarm.NewStateValue, 'ALARM');
    assert.equal(alarm.OldStateValue, 'OK');
    assert.match(
      alarm.NewStateReason,
      /^Threshold Crossed: 1 datapoint \[1\.0 \(.*\)\] was greater than the threshold \(0\.0\)\.$/,
    );
    assert.equal(alarm.Trigger.Statistic, 'SUM');

    // The evaluation range still holds the point for a while; then the alarm clears.
    await control.advance('5m');
    assert.deepEqual(await states(), ['OK', 'OK']);
    const { AlarmHistoryItems } = await cloudwatch.send(
      new DescribeAlarmHistoryCommand({ AlarmName: 'dead letters', ScanBy: 'TimestampAscending' }),
    );
    assert.deepEqual(
      AlarmHistoryItems?.map(({ HistorySummary }) => HistorySummary),
      [
        'Alarm "dead letters" created',
        'Alarm updated from INSUFFICIENT_DATA to OK',
        'Alarm updated from OK to ALARM',
        `Successfully executed action ${topic.TopicArn}`,
        'Alarm updated from ALARM to OK',
      ],
    );
  });

  test('SetAlarmState acts at once; an alarm that does not exist is refused', async () => {
    const set = (AlarmName: string, StateValue: string) =>
      cloudwatch.send(
        new SetAlarmStateCommand({ AlarmName, StateValue: StateValue as 'OK', StateReason: 'testing' }),
      );
    await set('dead letters', 'ALARM');
    const { MetricAlarms } = await cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNames: ['dead letters'] }),
    );
    assert.equal(MetricAlarms?.[0]?.StateReason, 'testing');
    await assert.rejects(set('nothing', 'OK'), { name: 'ResourceNotFound' });
    await assert.rejects(
      set('dead letters', 'INVALID'),
      /1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: \[INSUFFICIENT_DATA, ALARM, OK\]/,
    );
  });
});

describe('the example application', () => {
  test('is watched: dead letters and the error rate reach the pager', async () => {
    await control.advance('10m');
    await invoke('orders-warehouse', { id: 'watched' });
    await control.advance('4m');
    const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNamePrefix: 'orders-' }));
    const states = Object.fromEntries(
      (MetricAlarms ?? []).map((alarm) => [alarm.AlarmName, alarm.StateValue]),
    );
    assert.deepEqual(states, {
      'orders-dead-letters': 'ALARM',
      'orders-error-rate': 'ALARM',
      'orders-many-dead-letters': 'OK',
      'orders-old-dead-letters': 'OK',
    });
    const QueueUrl = `${server.endpoint}/000000000000/orders-pager`;
    const subjects = await eventually(async () => {
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      const found = (Messages ?? []).map(({ Body }) => JSON.parse(Body as string).Subject as string);
      return found.length > 0 && found;
    });
    assert.ok(subjects.some((subject) => subject.startsWith('ALARM: "orders-')));
  });
});

describe('logs', () => {
  const group = '/shop/app';

  test('metric filters turn lines into samples', async () => {
    await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
    await logs.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: 's' }));
    const filter = {
      logGroupName: group,
      filterName: 'latency',
      filterPattern: '{ $.ms = * }',
      metricTransformations: [
        { metricName: 'ms', metricNamespace: 'app', metricValue: '$.ms', defaultValue: 0 },
      ],
    };
    await logs.send(new PutMetricFilterCommand(filter));
    const { metricFilters } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName: group }));
    assert.deepEqual(
      { ...metricFilters?.[0], creationTime: 0 },
      { ...filter, creationTime: 0, applyOnTransformedLogs: false },
    );
    const timestamp = await control.now();
    const lines = ['{"ms":5}', '{"ms":7}', 'nothing', '{"ms":"x"}'];
    await logs.send(
      new PutLogEventsCommand({
        logGroupName: group,
        logStreamName: 's',
        logEvents: lines.map((message) => ({ timestamp, message })),
      }),
    );
    assert.deepEqual(await sum('ms', {}, 'app'), { sum: 12, samples: 3 });
    await assert.rejects(
      logs.send(
        new PutMetricFilterCommand({
          ...filter,
          metricTransformations: [...filter.metricTransformations, ...filter.metricTransformations],
        }),
      ),
      /at 'metricTransformations' failed to satisfy constraint: Member must have length less than or equal to 1/,
    );
  });

  test('subscription filters hand lines to a function as asynchronous events', async () => {
    const destinationArn = 'arn:aws:lambda:us-east-1:000000000000:function:orders-confirm';
    const before = (await control.ledger()).accepted;
    await logs.send(
      new PutSubscriptionFilterCommand({
        logGroupName: group,
        filterName: 'errors',
        filterPattern: 'ERROR',
        destinationArn,
      }),
    );
    const timestamp = await control.now();
    const logEvents = ['ERROR one', 'fine', 'ERROR two'].map((message) => ({ timestamp, message }));
    await logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName: 's', logEvents }));
    assert.equal((await control.ledger()).accepted, before + 1);
    const { events } = (await (await fetch(`${server.endpoint}/_redrive/api/events?limit=1`)).json()) as {
      events: { requestId: string; source: string }[];
    };
    assert.equal(events[0]?.source, 'logs.amazonaws.com');
    const story = (await control.event(events[0]?.requestId as string)) as unknown as { payload: string };
    const data = JSON.parse(
      gunzipSync(Buffer.from(JSON.parse(story.payload).awslogs.data, 'base64')).toString(),
    );
    assert.equal(data.messageType, 'DATA_MESSAGE');
    assert.deepEqual(data.subscriptionFilters, ['errors']);
    assert.deepEqual(
      data.logEvents.map(({ message }: { message: string }) => message),
      ['ERROR one', 'ERROR two'],
    );
    await assert.rejects(
      logs.send(
        new PutSubscriptionFilterCommand({
          logGroupName: '/aws/lambda/orders-confirm',
          filterName: 'loop',
          filterPattern: '',
          destinationArn,
        }),
      ),
      /would never end/,
    );
    await assert.rejects(
      logs.send(
        new PutSubscriptionFilterCommand({
          logGroupName: group,
          filterName: 'other',
          filterPattern: '',
          destinationArn: 'arn:aws:lambda:us-east-1:111111111111:function:f',
        }),
      ),
      { name: 'AccessDeniedException' },
    );
  });

  test('embedded metrics need no filter', async () => {
    const timestamp = await control.now();
    const message = JSON.stringify({
      _aws: {
        Timestamp: timestamp,
        CloudWatchMetrics: [
          { Namespace: 'emf', Dimensions: [['route']], Metrics: [{ Name: 'took', Unit: 'Milliseconds' }] },
        ],
      },
      route: '/orders',
      took: [3, 4],
    });
    await logs.send(
      new PutLogEventsCommand({
        logGroupName: group,
        logStreamName: 's',
        logEvents: [{ timestamp, message }],
      }),
    );
    assert.deepEqual(await sum('took', { route: '/orders' }, 'emf'), { sum: 7, samples: 2 });
  });

  test('what a data protection policy names is masked unless unmasking is asked for', async () => {
    await logs.send(
      new PutDataProtectionPolicyCommand({
        logGroupIdentifier: group,
        policyDocument: JSON.stringify({
          Name: 'p',
          Version: '2021-06-01',
          Statement: [
            {
              DataIdentifier: ['arn:aws:dataprotection::aws:data-identifier/EmailAddress'],
              Operation: { Deidentify: { MaskConfig: {} } },
            },
          ],
        }),
      }),
    );
    const timestamp = await control.now();
    const logEvents = [{ timestamp, message: 'from ann@example.com' }];
    await logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName: 's', logEvents }));
    const read = async (unmask: boolean) => {
      const found = await logs.send(
        new FilterLogEventsCommand({ logGroupName: group, filterPattern: '"from "', unmask }),
      );
      return found.events?.map((event) => event.message);
    };
    assert.deepEqual(await read(false), ['from ***************']);
    assert.deepEqual(await read(true), ['from ann@example.com']);
  });

  test('a live tail shows lines as they are stored', async () => {
    const client = new CloudWatchLogsClient({ ...settings, disableHostPrefix: true });
    const abort = new AbortController();
    atEnd(wholeFile, () => client.destroy());
    const { responseStream } = await client.send(
      new StartLiveTailCommand({
        logGroupIdentifiers: [`arn:aws:logs:us-east-1:000000000000:log-group:${group}`],
        logEventFilterPattern: 'tail',
      }),
      { abortSignal: abort.signal },
    );
    const timestamp = await control.now();
    const seen: (string | undefined)[] = [];
    for await (const event of responseStream ?? []) {
      if (event.sessionStart) {
        const logEvents = ['tail one', 'other', 'tail two'].map((message) => ({ timestamp, message }));
        await logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName: 's', logEvents }));
      }
      for (const { message } of event.sessionUpdate?.sessionResults ?? []) seen.push(message);
      if (seen.length >= 2) break;
    }
    abort.abort();
    assert.deepEqual(seen, ['tail one', 'tail two']);
  });

  test('Insights queries run over function logs', async () => {
    const now = Math.floor((await control.now()) / 1000);
    const run = async (
      queryString: string,
      logGroupNames = ['/aws/lambda/orders-warehouse', '/aws/lambda/orders-confirm'],
    ) => {
      const { queryId } = await logs.send(
        new StartQueryCommand({ logGroupNames, startTime: now - 7200, endTime: now + 60, queryString }),
      );
      return eventually(async () => {
        const results = await logs.send(new GetQueryResultsCommand({ queryId }));
        return results.status === 'Complete' && results;
      });
    };
    const found = await run('filter @type = "REPORT" | stats count(*) as runs by @log | sort runs asc');
    assert.deepEqual(
      found.results?.map((row) => row.map(({ value }) => value)),
      [
        ['000000000000:/aws/lambda/orders-confirm', '7'],
        ['000000000000:/aws/lambda/orders-warehouse', '9'],
      ],
    );
    assert.equal(found.statistics?.recordsMatched, 16);
    await assert.rejects(run('fields @message | nonsense'), { name: 'MalformedQueryException' });
    await assert.rejects(
      run('fields @message', ['/none']),
      /^ResourceNotFoundException: Log group '\/none' does not exist for account ID '000000000000' \(Service: AWSLogs;/,
    );
  });
});
