/**
 * Text messages: posted as JSON to a webhook when one is configured. Without one they are "sent" into the log, where
 * a developer reads them; the delivery log has them in any case.
 */
import { judgeStatus } from '../domain/delivery-policy.ts';
import type { Log } from '../platform/log.ts';
import type { Sender } from './deliverer.ts';

const TIMEOUT_MS = 15_000;

export function createTextSender(options: { readonly webhook?: string; readonly log: Log }): Sender {
  const { webhook, log } = options;
  return async ({ endpoint: phoneNumber, body: message, attributes, signal }) => {
    const { messageId, topicArn } = attributes;
    if (webhook === undefined) {
      log.info({ phoneNumber, message, messageId }, 'text message');
      return { kind: 'delivered', response: 'Message has been written to the log' };
    }
    try {
      const response = await fetch(webhook, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ phoneNumber, message, messageId, topicArn: topicArn || undefined }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      const verdict = judgeStatus(response.status);
      if (verdict === 'delivered') return { kind: 'delivered', statusCode: response.status };
      const answer = `The webhook answered with ${response.status}.`;
      return {
        kind: 'failed',
        retryable: verdict === 'retry',
        statusCode: response.status,
        response: answer,
      };
    } catch (error) {
      return {
        kind: 'failed',
        retryable: true,
        response: error instanceof Error ? error.message : String(error),
      };
    }
  };
}
