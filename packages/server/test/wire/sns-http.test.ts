/** Subscribed HTTP endpoints: confirmation, headers, retries, throttling, dead letters, restarts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ConfirmSubscriptionCommand,
  GetSubscriptionAttributesCommand,
  ListSubscriptionsByTopicCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { type HttpEndpoint, type Received, startEndpoint } from '../support/http-endpoint.ts';
import { type Messaging, START_AT, startMessaging } from '../support/messaging.ts';
import {
  createQueue,
  createTopic,
  drain,
  envelopeOf,
  publish,
  queueArnOf,
  refusal,
  subscribe,
} from '../support/topics.ts';

const TEXT = 'text/plain; charset=UTF-8';

/** A confirmed subscription of an endpoint. */
async function subscribeEndpoint(
  m: Messaging,
  TopicArn: string,
  endpoint: HttpEndpoint,
  attributes: Record<string, string> = {},
  path = '/hook',
): Promise<string> {
  const before = endpoint.received.length;
  const arn = await subscribe(m, TopicArn, 'http', endpoint.url + path, attributes);
  await m.advance(0);
  const { Token } = json(endpoint.received[before]);
  await m.sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token }));
  return arn;
}
function json(received: Received | undefined): Record<string, string> {
  return JSON.parse(received?.body ?? '');
}
function snsHeaders({ headers }: Received): Record<string, unknown> {
  const names = Object.keys(headers).filter((name) => name.startsWith('x-amz-sns-'));
  return Object.fromEntries(names.map((name) => [name.slice('x-amz-sns-'.length), headers[name]]));
}
async function attributesOf(m: Messaging, SubscriptionArn: string): Promise<Record<string, string>> {
  return (await m.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }))).Attributes ?? {};
}
/** A policy that tries so often, so many seconds apart. */
function retries(numRetries: number, delay: number, more: object = {}): Record<string, string> {
  const healthyRetryPolicy = { minDelayTarget: delay, maxDelayTarget: delay, numRetries };
  return { DeliveryPolicy: JSON.stringify({ healthyRetryPolicy, ...more }) };
}

test('an endpoint has to confirm before it gets anything', async (t) => {
  const m = await startMessaging(t);
  const endpoint = await startEndpoint(t);
  const topic = await createTopic(m, 't');
  const pending = await m.sns.send(
    new SubscribeCommand({ TopicArn: topic, Protocol: 'http', Endpoint: `${endpoint.url}/hook` }),
  );
  assert.equal(pending.SubscriptionArn, 'pending confirmation');
  await m.advance(0);
  const request = endpoint.received[0] as Received;
  assert.deepEqual([request.method, request.path], ['POST', '/hook']);
  const { Token, Signature, SigningCertURL, ...rest } = json(request);
  assert.deepEqual(rest, {
    Type: 'SubscriptionConfirmation',
    MessageId: rest.MessageId,
    TopicArn: topic,
    Message: `You have chosen to subscribe to the topic ${topic}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
    SubscribeURL: `${m.endpoint}/?Action=ConfirmSubscription&TopicArn=${topic}&Token=${Token}`,
    Timestamp: new Date(START_AT).toISOString(),
    SignatureVersion: '1',
  });
  assert.ok(Signature && SigningCertURL);
  assert.deepEqual(snsHeaders(request), {
    'message-type': 'SubscriptionConfirmation',
    'message-id': rest.MessageId,
    'topic-arn': topic,
  });
  const { 'content-type': type, 'user-agent': agent, 'accept-encoding': encoding } = request.headers;
  assert.deepEqual(
    [type, agent, encoding],
    [TEXT, 'Amazon Simple Notification Service Agent', 'gzip,deflate'],
  );

  await publish(m, { TopicArn: topic, Message: 'too early' });
  await m.advance(0);
  assert.equal(endpoint.received.length, 1);
  const list = () => m.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topic }));
  assert.equal((await list()).Subscriptions?.[0]?.SubscriptionArn, 'PendingConfirmation');

  // As people do: by following the link.
  const visit = async (url: string) => {
    const response = await fetch(url);
    return { status: response.status, text: await response.text() };
  };
  const url = rest.SubscribeURL as string;
  const messageOf = async (link: string) => /<Message>(.*)<\/Message>/.exec((await visit(link)).text)?.[1];
  assert.equal(await messageOf(url.replace(topic, 'a:b:c')), 'Invalid parameter: Topic');
  assert.equal(await messageOf(url.replace('us-east-1', 'eu-west-1')), 'Invalid parameter: Topic');
  assert.equal(await messageOf(`${url}00`), 'Invalid parameter: Token');
  const other = url.replace(/.{6}$/, '000000');
  assert.equal(await messageOf(other), 'Invalid token');
  const confirmed = await visit(url);
  assert.equal(confirmed.status, 200);
  const arn = (await list()).Subscriptions?.[0]?.SubscriptionArn as string;
  assert.ok(confirmed.text.includes(`<SubscriptionArn>${arn}</SubscriptionArn>`));
  // Once it is confirmed, any token of the right form is fine (observed).
  assert.equal((await visit(other)).status, 200);
  const { PendingConfirmation, ConfirmationWasAuthenticated } = await attributesOf(m, arn);
  assert.deepEqual([PendingConfirmation, ConfirmationWasAuthenticated], ['false', 'false']);

  const id = await publish(m, { TopicArn: topic, Message: 'now' });
  await m.advance(0);
  const [notification] = endpoint.notifications() as [Received];
  assert.deepEqual(snsHeaders(notification), {
    'message-type': 'Notification',
    'message-id': id,
    'topic-arn': topic,
    'subscription-arn': arn,
  });
  assert.equal(notification.headers['content-type'], TEXT);
  assert.deepEqual(Object.keys(json(notification)), [
    'Type',
    'MessageId',
    'TopicArn',
    'Message',
    'Timestamp',
    'SignatureVersion',
    'Signature',
    'SigningCertURL',
    'UnsubscribeURL',
  ]);
});

test('subscribing a waiting endpoint again asks it again', async (t) => {
  const m = await startMessaging(t);
  const endpoint = await startEndpoint(t);
  const topic = await createTopic(m, 't');
  const arn = await subscribe(m, topic, 'http', endpoint.url);
  assert.equal(await subscribe(m, topic, 'http', endpoint.url), arn);
  await m.advance(0);
  assert.equal(endpoint.received.length, 2);
  assert.equal(json(endpoint.received[0]).Token, json(endpoint.received[1]).Token);
});

test('raw delivery, content type, and credentials in the URL', async (t) => {
  const m = await startMessaging(t);
  const endpoint = await startEndpoint(t);
  const topic = await createTopic(m, 't');
  const requestPolicy = { headerContentType: 'text/csv' };
  await subscribeEndpoint(m, topic, endpoint, {
    RawMessageDelivery: 'true',
    DeliveryPolicy: JSON.stringify({ requestPolicy }),
  });
  const url = endpoint.url.replace('http://', 'http://me%40:se%3Acret@');
  await subscribeEndpoint(m, topic, { ...endpoint, url }, {}, '/guarded');
  await publish(m, { TopicArn: topic, Message: 'a,b', Subject: 's' });
  await m.advance(0);
  const raw = endpoint.notifications().find(({ path }) => path === '/hook');
  assert.equal(raw?.body, 'a,b');
  assert.equal(raw?.headers['content-type'], 'text/csv');
  assert.equal(raw?.headers['x-amz-sns-rawdelivery'], 'true');
  const guarded = endpoint.notifications().find(({ path }) => path === '/guarded');
  assert.equal(guarded?.headers.authorization, `Basic ${btoa('me@:se:cret')}`);
  assert.equal(guarded?.headers['content-type'], TEXT);
});

test('a failing endpoint is tried as its policy says, then the message is a dead letter', async (t) => {
  const m = await startMessaging(t);
  const endpoint = await startEndpoint(t);
  const topic = await createTopic(m, 't');
  await createQueue(m, 'dead');
  await subscribeEndpoint(m, topic, endpoint, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArnOf('dead') }),
  });
  const at: number[] = [];
  endpoint.answer = (response) => {
    at.push(m.clock.now());
    response.writeHead(503).end();
  };
  const id = await publish(m, { TopicArn: topic, Message: 'x' });
  await m.advance(3_600_000);
  // AWS's default: three retries, 20 seconds apart; the jitter is a tenth.
  assert.equal(at.length, 4);
  for (const [index, instant] of at.slice(1).entries()) {
    const gap = instant - (at[index] as number);
    assert.ok(gap >= 18_000 && gap <= 22_000, `${gap} ms`);
  }
  const [letter] = await drain(m, 'dead');
  assert.equal(letter?.Body, endpoint.notifications()[0]?.body);
  assert.equal(envelopeOf(letter).MessageId, id);
  const line = JSON.parse(m.lines[0]?.text ?? '');
  assert.equal(m.lines[0]?.group, 'sns/us-east-1/000000000000/t/Failure');
  assert.deepEqual(
    [line.delivery.attempts, line.delivery.statusCode, line.delivery.deadLettered, line.status],
    [4, 503, true, 'FAILURE'],
  );
});

test('which answers are tried again', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const endpoint = await startEndpoint(t);
  await subscribeEndpoint(m, topic, endpoint, retries(1, 1));
  const attemptsFor = async (answer: HttpEndpoint['answer']) => {
    endpoint.answer = answer;
    const before = endpoint.notifications().length;
    await publish(m, { TopicArn: topic, Message: 'x' });
    await m.advance(10_000);
    return endpoint.notifications().length - before;
  };
  assert.equal(await attemptsFor(204), 1);
  assert.equal(await attemptsFor(400), 1);
  assert.equal(await attemptsFor(404), 1);
  assert.equal(await attemptsFor(429), 2);
  assert.equal(await attemptsFor(500), 2);
  assert.equal(await attemptsFor((response) => response.socket?.destroy()), 2);
  const failed = m.lines.map(({ text }) => JSON.parse(text).delivery.statusCode);
  assert.deepEqual(failed, [400, 404, 429, 500, undefined]);
  // Nobody there at all.
  await endpoint.close();
  await publish(m, { TopicArn: topic, Message: 'x' });
  await m.advance(10_000);
  const { attempts, providerResponse } = JSON.parse(m.lines.at(-1)?.text ?? '').delivery;
  assert.equal(attempts, 2);
  assert.match(providerResponse, /ECONNREFUSED/);
});

test('an endpoint that recovers gets the message, and the topic’s policy counts when it must', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't', { HTTPSuccessFeedbackRoleArn: 'arn:aws:iam::000000000000:role/r' });
  const endpoint = await startEndpoint(t);
  await subscribeEndpoint(m, topic, endpoint, retries(0, 1));
  const policy = {
    http: {
      defaultHealthyRetryPolicy: { minDelayTarget: 100, maxDelayTarget: 100, numRetries: 2 },
      disableSubscriptionOverrides: true,
    },
  };
  await m.sns.send(
    new SetTopicAttributesCommand({
      TopicArn: topic,
      AttributeName: 'DeliveryPolicy',
      AttributeValue: JSON.stringify(policy),
    }),
  );
  endpoint.answer = 500;
  await publish(m, { TopicArn: topic, Message: 'x' });
  await m.advance(0);
  endpoint.answer = 200;
  await m.advance(111_000);
  assert.equal(endpoint.notifications().length, 2);
  const line = JSON.parse(m.lines[0]?.text ?? '');
  assert.equal(m.lines[0]?.group, 'sns/us-east-1/000000000000/t');
  assert.deepEqual([line.status, line.delivery.attempts, line.delivery.statusCode], ['SUCCESS', 2, 200]);
  assert.ok(line.delivery.dwellTimeMs >= 90_000);
});

test('no more receives a second than the endpoint wants', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const endpoint = await startEndpoint(t);
  await subscribeEndpoint(m, topic, endpoint, {
    DeliveryPolicy: JSON.stringify({ throttlePolicy: { maxReceivesPerSecond: 2 } }),
  });
  await m.advance(1000);
  for (let i = 0; i < 6; i++) await publish(m, { TopicArn: topic, Message: String(i) });
  await m.advance(0);
  assert.equal(endpoint.notifications().length, 1);
  await m.advance(1000);
  assert.equal(endpoint.notifications().length, 3);
  await m.advance(1500);
  assert.equal(endpoint.notifications().length, 6);
});

test('a slow endpoint holds up no other', async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  const topic = await createTopic(m, 't');
  const slow = await startEndpoint(t);
  const fast = await startEndpoint(t);
  for (const endpoint of [slow, fast]) {
    await subscribe(m, topic, 'http', endpoint.url);
    const { Token } = json(await firstOf(endpoint.received));
    await m.sns.send(new ConfirmSubscriptionCommand({ TopicArn: topic, Token }));
  }
  const held: (() => void)[] = [];
  slow.answer = (response) => void held.push(() => response.end());
  for (let i = 0; i < 30; i++) await publish(m, { TopicArn: topic, Message: String(i) });
  await until(() => fast.notifications().length === 30);
  // What one endpoint gets at a time.
  await until(() => held.length === 10);
  assert.equal(slow.notifications().length, 10);
  slow.answer = 200;
  for (const release of held) release();
  await until(() => slow.notifications().length === 30);
});

test('unsubscribing, by whom, and back again', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const endpoint = await startEndpoint(t);
  const arn = await subscribeEndpoint(m, topic, endpoint);
  endpoint.answer = 500;
  await publish(m, { TopicArn: topic, Message: 'never arrives' });
  await m.advance(0);
  endpoint.answer = 200;
  const link = json(endpoint.notifications()[0]).UnsubscribeURL as string;
  assert.equal((await fetch(link)).status, 200);
  await m.advance(60_000);
  assert.equal(endpoint.notifications().length, 1);
  const goodbye = endpoint.received.at(-1) as Received;
  const message = json(goodbye);
  assert.equal(
    message.Message,
    `You have chosen to deactivate subscription ${arn}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.`,
  );
  assert.deepEqual(snsHeaders(goodbye), {
    'message-type': 'UnsubscribeConfirmation',
    'message-id': message.MessageId,
    'topic-arn': topic,
    'subscription-arn': arn,
  });
  assert.equal((await refusal(attributesOf(m, arn))).code, 'NotFoundException');
  await publish(m, { TopicArn: topic, Message: 'while away' });
  assert.equal((await fetch(message.SubscribeURL as string)).status, 200);
  assert.equal((await attributesOf(m, arn)).PendingConfirmation, 'false');
  await publish(m, { TopicArn: topic, Message: 'back' });
  await m.advance(0);
  assert.deepEqual(
    endpoint.notifications().map((each) => json(each).Message),
    ['never arrives', 'back'],
  );
  // A second time with the same token, for those who click twice.
  assert.equal((await fetch(message.SubscribeURL as string)).status, 200);
});

test('a guarded subscription is removed only by a signed call', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const endpoint = await startEndpoint(t);
  const arn = await subscribe(m, topic, 'http', endpoint.url);
  await m.advance(0);
  const { Token } = json(endpoint.received[0]);
  await m.sns.send(
    new ConfirmSubscriptionCommand({ TopicArn: topic, Token, AuthenticateOnUnsubscribe: 'true' }),
  );
  assert.equal((await attributesOf(m, arn)).ConfirmationWasAuthenticated, 'true');
  const link = `${m.endpoint}/?Action=Unsubscribe&SubscriptionArn=${arn}`;
  const response = await fetch(link);
  assert.equal(response.status, 403);
  assert.match(await response.text(), /<Code>AuthorizationError<\/Code>/);
  await m.sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
  assert.equal((await refusal(attributesOf(m, arn))).code, 'NotFoundException');
});

test('tokens are good for two days, and who never confirms goes after three', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const endpoint = await startEndpoint(t);
  const arn = await subscribe(m, topic, 'http', endpoint.url);
  await m.advance(0);
  const { Token } = json(endpoint.received[0]);
  await m.advance(2 * 86_400_000 + 1);
  const late = await refusal(m.sns.send(new ConfirmSubscriptionCommand({ TopicArn: topic, Token })));
  assert.equal(late.message, 'Invalid token');
  assert.equal((await attributesOf(m, arn)).PendingConfirmation, 'true');
  await m.advance(86_400_000 + 3_600_000);
  assert.equal((await refusal(attributesOf(m, arn))).code, 'NotFoundException');
});

test('a delivery survives the end of the process, with its count of attempts', async (t) => {
  const first = await startMessaging(t);
  const endpoint = await startEndpoint(t);
  const topic = await createTopic(first, 't');
  await subscribeEndpoint(first, topic, endpoint, retries(2, 50));
  endpoint.answer = 500;
  await publish(first, { TopicArn: topic, Message: 'x' });
  await first.advance(0);
  await first.close();
  const second = await startMessaging(t, { dataDir: first.dataDir, startAt: START_AT + 200_000 });
  await second.advance(0);
  assert.equal(endpoint.notifications().length, 2);
  await second.advance(60_000);
  assert.equal(endpoint.notifications().length, 3);
  await second.advance(600_000);
  assert.equal(endpoint.notifications().length, 3);
  assert.equal(JSON.parse(second.lines[0]?.text ?? '').delivery.attempts, 3);
});

test('hundreds of endpoints at once', async (t) => {
  const m = await startMessaging(t);
  const endpoint = await startEndpoint(t);
  const topic = await createTopic(m, 't');
  const count = 300;
  for (let i = 0; i < count; i++) await subscribe(m, topic, 'http', `${endpoint.url}/${i}`);
  await m.advance(0);
  for (const { Token } of endpoint.received.map(json)) {
    await m.sns.send(new ConfirmSubscriptionCommand({ TopicArn: topic, Token }));
  }
  for (let i = 0; i < 3; i++) await publish(m, { TopicArn: topic, Message: String(i) });
  await m.advance(0);
  assert.equal(endpoint.notifications().length, 3 * count);
  assert.equal(new Set(endpoint.notifications().map(({ path }) => path)).size, count);
});

async function until(condition: () => boolean): Promise<void> {
  const { eventually } = await import('../support/eventually.ts');
  await eventually(condition);
}
async function firstOf<T>(list: readonly T[]): Promise<T> {
  await until(() => list.length > 0);
  return list[0] as T;
}
