/** What tests of topics do over and over. */
import assert from 'node:assert/strict';
import {
  CreateTopicCommand,
  PublishCommand,
  type PublishCommandInput,
  type SNSServiceException,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, type Messaging, REGION } from './messaging.ts';

export const topicArnOf = (name: string) => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`;
export const queueArnOf = (name: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;

export async function createTopic(
  m: Messaging,
  Name: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  return (await m.sns.send(new CreateTopicCommand({ Name, Attributes }))).TopicArn as string;
}

export async function createQueue(
  m: Messaging,
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  return (await m.sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl as string;
}

export async function subscribe(
  m: Messaging,
  TopicArn: string,
  Protocol: string,
  Endpoint: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  const command = new SubscribeCommand({
    TopicArn,
    Protocol,
    Endpoint,
    Attributes,
    ReturnSubscriptionArn: true,
  });
  return (await m.sns.send(command)).SubscriptionArn as string;
}

/** Answers the message's id. */
export async function publish(m: Messaging, input: PublishCommandInput): Promise<string> {
  return (await m.sns.send(new PublishCommand(input))).MessageId as string;
}

/** Takes out everything that a queue holds now. */
export async function drain(m: Messaging, queueName: string): Promise<Message[]> {
  const QueueUrl = `${m.endpoint}/${ACCOUNT}/${queueName}`;
  const found: Message[] = [];
  for (;;) {
    const { Messages = [] } = await m.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return found;
    found.push(...Messages);
    // A FIFO group shows its next messages only when those before are gone.
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await m.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}

/** The envelope in a message's body. */
export function envelopeOf(message: Message | undefined): Record<string, unknown> {
  return JSON.parse(message?.Body ?? '') as Record<string, unknown>;
}

export interface RefusalSeen {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
}

/** What a call was refused with; fails when it was not. */
export async function refusal(work: Promise<unknown>): Promise<RefusalSeen> {
  return work.then(
    () => assert.fail('expected a refusal'),
    (error: SNSServiceException) => ({
      code: error.name,
      message: error.message,
      status: error.$metadata.httpStatusCode,
    }),
  );
}
