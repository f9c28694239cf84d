/** `AWS::SQS::Queue`: made when it is not there, else the attributes that differ are set. */
import type { Json } from '../store/store.ts';
import type { ResourceContext, ResourceResult } from './deploy.ts';

/** Properties that are attributes of the queue under the same name; those left out get AWS's default back. */
const ATTRIBUTES: Readonly<Record<string, string | undefined>> = {
  DelaySeconds: '0',
  MaximumMessageSize: undefined,
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  VisibilityTimeout: '30',
  RedrivePolicy: undefined,
  FifoQueue: undefined,
  ContentBasedDeduplication: undefined,
  DeduplicationScope: undefined,
  FifoThroughputLimit: undefined,
};

export async function deployQueue(
  properties: Record<string, Json | undefined>,
  { call, defaultName }: ResourceContext,
): Promise<ResourceResult> {
  const fifo = String(properties.FifoQueue) === 'true';
  const name =
    properties.QueueName === undefined
      ? `${defaultName}${fifo ? '.fifo' : ''}`
      : String(properties.QueueName);
  const wanted: Record<string, string> = {};
  for (const [attribute, fallback] of Object.entries(ATTRIBUTES)) {
    const value = properties[attribute] ?? fallback;
    if (value !== undefined)
      wanted[attribute] = typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  const found = await findQueue(call, name);
  const url =
    found ?? ((await call('sqs', 'CreateQueue', { QueueName: name, Attributes: wanted })).QueueUrl as string);
  const { Attributes: current } = (await call('sqs', 'GetQueueAttributes', {
    QueueUrl: url,
    AttributeNames: ['All'],
  })) as { Attributes: Record<string, string> };
  const changed = Object.entries(wanted).filter(([key, value]) => !sameAttribute(key, value, current[key]));
  if (changed.length > 0) {
    await call('sqs', 'SetQueueAttributes', { QueueUrl: url, Attributes: Object.fromEntries(changed) });
  }
  return {
    ref: url,
    attributes: { Arn: current.QueueArn as string, QueueName: name, QueueUrl: url },
    change: !found ? 'created' : changed.length > 0 ? 'updated' : 'unchanged',
  };
}

async function findQueue(call: ResourceContext['call'], name: string): Promise<string | undefined> {
  try {
    return (await call('sqs', 'GetQueueUrl', { QueueName: name })).QueueUrl as string;
  } catch (error) {
    if ((error as Error).name === 'QueueDoesNotExist') return undefined;
    throw error;
  }
}

/** Policies are compared by what they say: order, spaces and quotes around numbers do not matter. */
function sameAttribute(name: string, wanted: string, current: string | undefined): boolean {
  if (current === undefined || name !== 'RedrivePolicy') return wanted === current;
  const a = JSON.parse(wanted) as Record<string, Json>;
  const b = JSON.parse(current) as Record<string, Json>;
  return (
    a.deadLetterTargetArn === b.deadLetterTargetArn && String(a.maxReceiveCount) === String(b.maxReceiveCount)
  );
}
