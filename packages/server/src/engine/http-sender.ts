/**
 * Sends a notification to an HTTP endpoint, with the headers of AWS.
 * Source: "HTTP/HTTPS notification headers", "Message delivery retries"; headers observed.
 */
import { judgeStatus } from '../domain/delivery-policy.ts';
import type { DeliveryAttributes } from '../domain/sns-fan-out.ts';
import type { Outgoing, Sender } from './deliverer.ts';

/** AWS: an endpoint has 15 seconds. Real time: no virtual clock governs somebody else's server. */
const TIMEOUT_MS = 15_000;
const USER_AGENT = 'Amazon Simple Notification Service Agent';

export const sendHttp: Sender = async (outgoing) => {
  const { url, authorization } = splitCredentials(outgoing.endpoint);
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...headersOf(outgoing), ...(authorization ? { authorization } : {}) },
      body: outgoing.body,
      signal: AbortSignal.any([outgoing.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    const { status } = response;
    const verdict = judgeStatus(status);
    if (verdict === 'delivered') return { kind: 'delivered', statusCode: status };
    return {
      kind: 'failed',
      retryable: verdict === 'retry',
      statusCode: status,
      response: `The endpoint answered with ${status}.`,
    };
  } catch (error) {
    return { kind: 'failed', retryable: true, response: describe(error) };
  }
};

/** `http://user:password@host/` asks for basic authentication. */
function splitCredentials(endpoint: string): { url: string; authorization?: string } {
  const url = new URL(endpoint);
  if (url.username === '' && url.password === '') return { url: endpoint };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return { url: url.href, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function headersOf({ attributes, contentType }: Outgoing): Record<string, string> {
  const { type, messageId, topicArn, subscriptionArn, raw } = attributes as DeliveryAttributes;
  const headers: Record<string, string> = {
    'x-amz-sns-message-type': type,
    'x-amz-sns-message-id': messageId,
    'x-amz-sns-topic-arn': topicArn,
    'content-type': contentType,
    'user-agent': USER_AGENT,
    'accept-encoding': 'gzip,deflate',
  };
  if (subscriptionArn !== undefined) headers['x-amz-sns-subscription-arn'] = subscriptionArn;
  if (raw) headers['x-amz-sns-rawdelivery'] = 'true';
  return headers;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError')
    return `The endpoint did not answer within ${TIMEOUT_MS / 1000} seconds.`;
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
