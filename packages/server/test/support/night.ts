/** A server on which something went wrong in the night: for tests of the console and for its pictures. */

import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  InvokeCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { type Api, createApi } from './api.ts';
import { atEnd, type Cleanup } from './cleanup.ts';
import { type Clients, createClients } from './clients.ts';
import { createFunction, createQueue } from './functions.ts';
import { startInProcess } from './server-inside.ts';
import { makeZip } from './zip.ts';

const CHARGE = `
import { price } from './pricing.mjs';
export const handler = async (event, context) => {
  console.log(JSON.stringify({ level: 'info', order: event.orderId, amount: event.amount }));
  if (event.card === 'expired') {
    console.error('card refused', event.orderId);
    const error = new Error('card ' + event.orderId + ' is expired');
    error.name = 'CardExpired';
    throw error;
  }
  return { charged: price(event) };
};`;
const PRICING = `
export const price = (event) => {
  if (!event.lines) throw new TypeError('order ' + event.orderId + ' has no lines');
  return event.lines.length * event.amount;
};`;
export const FIXED = 'export const handler = async (event) => ({ charged: event.amount ?? 0 });';

export interface Night extends Clients {
  readonly api: Api;
  readonly console: string;
  readonly endpoint: string;
  /** Hands an event to the function that fails in the night. */
  invoke(payload: unknown, name?: string): Promise<string>;
  fix(): Promise<void>;
}

export async function startNight(
  t: Cleanup,
  options: { letters?: number; dataDir?: string } = {},
): Promise<Night> {
  const server = await startInProcess(t, {
    clock: 'virtual',
    ...(options.dataDir && { dataDir: options.dataDir }),
  });
  const clients = createClients(t, server.endpoint);
  const { lambda, sqs, control } = clients;
  const dead = await createQueue(clients, 'payments-dead', { MessageRetentionPeriod: '1209600' });
  const failed = await createQueue(clients, 'failed-notifications');
  const receipts = await createQueue(clients, 'receipts');
  const importDead = await createQueue(clients, 'import-dead');
  const imports = await createQueue(clients, 'import', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: importDead.arn, maxReceiveCount: '1' }),
    VisibilityTimeout: '5',
  });
  await createFunction(clients, 'payments-charge', CHARGE, {
    Description: 'Charges the card of an order',
    DeadLetterConfig: { TargetArn: dead.arn },
    Environment: { Variables: { CURRENCY: 'EUR', PROVIDER_URL: 'https://pay.example' } },
    Code: { ZipFile: await makeZip({ 'index.mjs': CHARGE, 'pricing.mjs': PRICING }) },
  });
  await lambda.send(
    new PublishVersionCommand({ FunctionName: 'payments-charge', Description: 'before the change' }),
  );
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'payments-charge',
      DestinationConfig: { OnSuccess: { Destination: receipts.arn } },
    }),
  );
  await createFunction(
    clients,
    'notify-customer-about-the-state-of-an-order-by-mail-and-push',
    "export const handler = async () => { throw new RangeError('template is too long'); };",
    { Description: 'A function with a name as long as they get' },
  );
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'notify-customer-about-the-state-of-an-order-by-mail-and-push',
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: failed.arn } },
    }),
  );
  const place = {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const [sns, cloudwatch] = [new SNSClient(place), new CloudWatchClient(place)];
  atEnd(t, () => {
    sns.destroy();
    cloudwatch.destroy();
  });
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'on-call' }));
  const pager = await createQueue(clients, 'pager');
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: pager.arn }));
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: 'payments-charge-errors',
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [{ Name: 'FunctionName', Value: 'payments-charge' }],
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
      AlarmActions: [TopicArn as string],
    }),
  );
  const invoke = async (payload: unknown, name = 'payments-charge') => {
    const answer = await lambda.send(
      new InvokeCommand({
        FunctionName: name,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify(payload)),
      }),
    );
    return answer.$metadata.requestId as string;
  };
  const letters = options.letters ?? 12;
  for (let n = 0; n < letters; n++) {
    const order = { orderId: `A-${1000 + n}`, amount: 19.9 + n, customer: { id: n, name: `Customer ${n}` } };
    if (n % 4 === 3) await invoke({ ...order, lines: [1], card: 'expired' });
    else await invoke(order);
    await invoke({ ...order, lines: [1, 2] });
    await control.advance('20s');
  }
  await invoke({ order: 7 }, 'notify-customer-about-the-state-of-an-order-by-mail-and-push');
  for (const body of ['{"file":"a.csv"}', '{"file":"b.csv"}']) {
    await sqs.send(new SendMessageCommand({ QueueUrl: imports.url, MessageBody: body }));
  }
  for (let round = 0; round < 2; round++) {
    await sqs.send(new ReceiveMessageCommand({ QueueUrl: imports.url, MaxNumberOfMessages: 10 }));
    await control.advance('6s');
  }
  await control.advance('4m');
  await invoke({ orderId: 'A-2000', amount: 5 });
  await control.advance('5s');
  return {
    ...clients,
    api: createApi(server.endpoint),
    console: server.console,
    endpoint: server.endpoint,
    invoke,
    async fix() {
      await lambda.send(
        new UpdateFunctionCodeCommand({
          FunctionName: 'payments-charge',
          ZipFile: await makeZip({ 'index.mjs': FIXED }),
        }),
      );
    },
  };
}
