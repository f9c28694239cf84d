/**
 * Delivery status logs of topics, in the groups and the form of AWS: failures always, so that nothing is dropped
 * without a trace; successes where the topic asks for them.
 * Source: "Amazon SNS message delivery status"; the form of a line observed.
 */

import type { TopicRecord } from '../domain/sns-topic.ts';
import { md5OfBody } from '../domain/sqs-message.ts';
import type { Ids } from '../platform/ids.ts';
import type { LogSink } from '../runtime/executor.ts';

export interface DeliveryReport {
  readonly topic: TopicRecord | undefined;
  readonly topicName: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly destination: string;
  readonly messageId: string;
  readonly message: string;
  /** Epoch ms. */
  readonly publishedAt: number;
  readonly now: number;
  /** Of what leaves the house (observed: deliveries within have none). */
  readonly attempts?: number;
  readonly delivered: boolean;
  readonly statusCode?: number;
  /** What the endpoint said, or why it could not be reached. */
  readonly response?: string;
  readonly deadLettered?: boolean;
}

const FEEDBACK_PREFIX: Readonly<Record<string, string>> = {
  http: 'HTTP',
  https: 'HTTP',
  lambda: 'Lambda',
  sqs: 'SQS',
};

export class DeliveryLog {
  readonly #sink: LogSink;
  readonly #ids: Ids;
  readonly #place: string;
  /** One stream per process, like AWS's. */
  readonly #stream: string;

  constructor(sink: LogSink, ids: Ids, region: string, accountId: string) {
    this.#sink = sink;
    this.#ids = ids;
    this.#place = `sns/${region}/${accountId}`;
    this.#stream = ids.uuid();
  }

  wantsSuccess(topic: TopicRecord | undefined, protocol: string): boolean {
    const prefix = FEEDBACK_PREFIX[protocol];
    return prefix !== undefined && topic?.attributes[`${prefix}SuccessFeedbackRoleArn`] !== undefined;
  }

  report(report: DeliveryReport): void {
    const group =
      report.topicName === ''
        ? `${this.#place}/DirectPublishToPhoneNumber`
        : `${this.#place}/${report.topicName}`;
    const line = {
      notification: {
        messageMD5Sum: md5OfBody(report.message),
        messageId: report.messageId,
        topicArn: report.topicArn === '' ? undefined : report.topicArn,
        timestamp: new Date(report.publishedAt).toISOString().replace('T', ' ').replace('Z', ''),
      },
      delivery: {
        deliveryId: this.#ids.uuid(),
        destination: report.destination,
        providerResponse: report.response,
        dwellTimeMs: report.now - report.publishedAt,
        attempts: report.attempts,
        statusCode: report.statusCode,
        deadLettered: report.deadLettered,
      },
      status: report.delivered ? 'SUCCESS' : 'FAILURE',
    };
    this.#sink.write(report.delivered ? group : `${group}/Failure`, this.#stream, [
      { at: report.now, text: JSON.stringify(line) },
    ]);
  }
}
