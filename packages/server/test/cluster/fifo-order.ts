/**
 * Senders and receivers of FIFO groups that go on through every trouble, and the law of order: when a message comes,
 * all earlier ones of its group have been deleted, may have been, or came before it in the same answer.
 */
import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

export interface FifoLoad {
  /** By group: how many were sent and answered, in order. */
  readonly sent: Map<string, number>;
  /** Breaches of the law, in words. */
  readonly wrong: string[];
  /** One message more into the group; again under the same deduplication id until it is answered. */
  send(group: string, sqs: SQSClient, queueUrl: string, signal: AbortSignal): Promise<void>;
  /** One receive and the deletion of what came; answers how many came. */
  receive(sqs: SQSClient, queueUrl: string, signal: AbortSignal, waitSeconds: number): Promise<number>;
}

export function createFifoLoad(): FifoLoad {
  const sent = new Map<string, number>();
  /** By group: numbers whose deletion was asked for, whatever the answer. */
  const deleted = new Map<string, Set<number>>();
  const wrong: string[] = [];

  function judge(messages: readonly Message[]): void {
    const before = new Map<string, number[]>();
    for (const { Body: body = '' } of messages) {
      const [group = '', text] = body.split('#');
      const number = Number(text);
      const known = deleted.get(group);
      const here = before.get(group) ?? [];
      for (let earlier = 0; earlier < number; earlier++) {
        if (!known?.has(earlier) && !here.includes(earlier))
          wrong.push(`${body} came before ${group}#${earlier} was gone`);
      }
      before.set(group, [...here, number]);
    }
  }

  return {
    sent,
    wrong,
    async send(group, sqs, queueUrl, signal) {
      const number = sent.get(group) ?? 0;
      const body = `${group}#${number}`;
      await sqs.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: body,
          MessageGroupId: group,
          MessageDeduplicationId: body,
        }),
        { abortSignal: signal },
      );
      sent.set(group, number + 1);
    },
    async receive(sqs, queueUrl, signal, waitSeconds) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: waitSeconds,
        }),
        { abortSignal: signal },
      );
      judge(Messages);
      for (const message of Messages) {
        const [group = '', text] = (message.Body ?? '').split('#');
        const known = deleted.get(group) ?? new Set();
        deleted.set(group, known.add(Number(text)));
        await sqs.send(
          new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }),
          { abortSignal: signal },
        );
      }
      return Messages.length;
    },
  };
}
