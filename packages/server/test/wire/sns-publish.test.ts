/** Publishing to queues through the SDK; envelopes and refusals as the recordings of AWS show them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type MessageAttributeValue,
  PublishBatchCommand,
  type PublishBatchRequestEntry,
  PublishCommand,
  type PublishCommandInput,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
} from '@aws-sdk/client-sns';
import { DeleteQueueCommand, type Message } from '@aws-sdk/client-sqs';
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
  topicArnOf,
} from '../support/topics.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A topic `t` with a queue `q` subscribed. */
async function topicAndQueue(m: Messaging, attributes: Record<string, string> = {}) {
  const topic = await createTopic(m, 't');
  await createQueue(m, 'q');
  const subscription = await subscribe(m, topic, 'sqs', queueArnOf('q'), attributes);
  return { topic, subscription };
}

function text(StringValue: string, DataType = 'String'): MessageAttributeValue {
  return { DataType, StringValue };
}

test('the envelope, member by member', async (t) => {
  const m = await startMessaging(t);
  const { topic, subscription } = await topicAndQueue(m);
  await createQueue(m, 'before');
  const id = await publish(m, {
    TopicArn: topic,
    Subject: 'about',
    Message: 'öl "§" \n\t',
    MessageAttributes: {
      n: text('99.12', 'Number'),
      b: { DataType: 'Binary', BinaryValue: Uint8Array.of(2, 3, 4) },
    },
  });
  assert.match(id, UUID);
  const [message] = await drain(m, 'q');
  assert.notEqual(message?.MessageId, id);
  const { Signature, SigningCertURL, ...rest } = envelopeOf(message);
  assert.equal(typeof Signature, 'string');
  assert.match(
    String(SigningCertURL),
    /^http:\/\/127\.0\.0\.1:\d+\/SimpleNotificationService-[0-9a-f]{32}\.pem$/,
  );
  assert.deepEqual(rest, {
    Type: 'Notification',
    MessageId: id,
    TopicArn: topic,
    Subject: 'about',
    Message: 'öl "§" \n\t',
    Timestamp: new Date(START_AT).toISOString(),
    SignatureVersion: '1',
    UnsubscribeURL: `${m.endpoint}/?Action=Unsubscribe&SubscriptionArn=${subscription}`,
    MessageAttributes: { n: { Type: 'Number', Value: '99.12' }, b: { Type: 'Binary', Value: 'AgME' } },
  });
  assert.deepEqual(Object.keys(envelopeOf(message)), [
    'Type',
    'MessageId',
    'TopicArn',
    'Subject',
    'Message',
    'Timestamp',
    'SignatureVersion',
    'Signature',
    'SigningCertURL',
    'UnsubscribeURL',
    'MessageAttributes',
  ]);
  assert.ok(message?.Body?.startsWith('{\n  "Type" : "Notification",\n  "MessageId" : "'));
  assert.equal(message?.MessageAttributes, undefined);
  assert.match(message?.Attributes?.SenderId ?? '', /^AIDA/);
});

test('raw delivery: the text and the attributes as they are', async (t) => {
  const m = await startMessaging(t);
  const { topic } = await topicAndQueue(m, { RawMessageDelivery: 'true' });
  await publish(m, {
    TopicArn: topic,
    Message: 'Test msg',
    Subject: 'not shown',
    MessageAttributes: { attr1: text('99.12', 'Number') },
  });
  await publish(m, { TopicArn: topic, Message: 'bare' });
  const [first, second] = await drain(m, 'q');
  assert.equal(first?.Body, 'Test msg');
  // Recorded.
  assert.equal(first?.MD5OfMessageAttributes, 'd302007e9aa062660afc85fd0a482472');
  assert.deepEqual(first?.MessageAttributes, { attr1: { DataType: 'Number', StringValue: '99.12' } });
  assert.equal(second?.MessageAttributes, undefined);
});

test('a raw message with more than ten attributes goes to the dead-letter queue', async (t) => {
  const m = await startMessaging(t);
  const deadLetters = JSON.stringify({ deadLetterTargetArn: queueArnOf('dead') });
  const { topic } = await topicAndQueue(m, { RawMessageDelivery: 'true', RedrivePolicy: deadLetters });
  await createQueue(m, 'dead');
  await createQueue(m, 'whole');
  await subscribe(m, topic, 'sqs', queueArnOf('whole'));
  const attributes = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`a${i}`, text('x')]));
  await publish(m, { TopicArn: topic, Message: 'many', MessageAttributes: attributes });
  assert.equal((await drain(m, 'q')).length, 0);
  assert.equal((await drain(m, 'dead'))[0]?.Body, 'many');
  const [whole] = await drain(m, 'whole');
  assert.equal(Object.keys(envelopeOf(whole).MessageAttributes as object).length, 11);
  const [line] = m.lines;
  assert.equal(line?.group, 'sns/us-east-1/000000000000/t/Failure');
  assert.deepEqual(JSON.parse(line?.text ?? '').delivery.deadLettered, true);
});

test('one text for each protocol', async (t) => {
  const m = await startMessaging(t);
  const { topic } = await topicAndQueue(m);
  const structured = (Message: string) => publish(m, { TopicArn: topic, Message, MessageStructure: 'json' });
  await structured('{"default":"for all","sqs":"for queues","http":5}');
  await structured('{"default":"for all","default":"last"}');
  const bodies = (await drain(m, 'q')).map((message) => envelopeOf(message).Message);
  assert.deepEqual(bodies, ['for queues', 'last']);
  const refused = async (Message: string, MessageStructure = 'json') =>
    (await refusal(publish(m, { TopicArn: topic, Message, MessageStructure }))).message;
  const noDefault = 'Invalid parameter: Message Structure - No default entry in JSON message body';
  assert.equal(await refused('{"sqs":"x"}'), noDefault);
  assert.equal(await refused('{"default":1}'), noDefault);
  assert.equal(await refused('["default"]'), noDefault);
  assert.equal(
    await refused('{"default":'),
    'Invalid parameter: Message Structure - JSON message body failed to parse',
  );
  assert.equal(await refused('x', 'xml'), 'Invalid parameter: MessageStructure');
});

test('refusals of a message', async (t) => {
  const m = await startMessaging(t);
  const { topic } = await topicAndQueue(m);
  const refused = (input: Partial<PublishCommandInput>) =>
    refusal(m.sns.send(new PublishCommand({ TopicArn: topic, Message: 'x', ...input })));
  const cases: readonly [Partial<PublishCommandInput>, string][] = [
    [{ Message: '' }, 'Invalid parameter: Empty message'],
    [{ Subject: '' }, 'Invalid parameter: Subject'],
    [{ Subject: 'a'.repeat(101) }, 'Invalid parameter: Subject'],
    [{ Subject: 'two\nlines' }, 'Invalid parameter: Subject'],
    [{ Message: 'a'.repeat(262_145) }, 'Invalid parameter: Message too long'],
    [
      { Message: 'a'.repeat(262_140), MessageAttributes: { attr: text('value') } },
      'Invalid parameter: Message too long',
    ],
    [
      { MessageDeduplicationId: 'd' },
      'Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type',
    ],
    [{ TopicArn: '' }, 'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1'],
    [{ TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t' }, 'Invalid parameter: TopicArn'],
    [
      { TopicArn: undefined, TargetArn: 'arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/1234' },
      'Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified',
    ],
    [
      { TopicArn: undefined, PhoneNumber: '+1a234' },
      'Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to',
    ],
    [
      { TopicArn: undefined, PhoneNumber: 'NAA+15551234567' },
      'Invalid parameter: PhoneNumber Reason: NAA+15551234567 is not valid to publish to',
    ],
  ];
  for (const [input, message] of cases) {
    const seen = await refused(input);
    assert.deepEqual(seen, { code: 'InvalidParameterException', message, status: 400 });
  }
  const none = await refused({ TopicArn: topicArnOf('none') });
  assert.deepEqual(none, { code: 'NotFoundException', message: 'Topic does not exist', status: 404 });
  assert.equal((await drain(m, 'q')).length, 0);
});

test('refusals of attributes, alone and in a batch', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const cases: readonly [Record<string, MessageAttributeValue>, string][] = [
    [
      { attr1: text('') },
      "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'.",
    ],
    [
      { attr1: { DataType: 'String' } },
      "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'.",
    ],
    [
      { attr1: { DataType: 'Binary', BinaryValue: new Uint8Array() } },
      "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'Binary'.",
    ],
    [
      { attr1: { DataType: 'String', BinaryValue: Uint8Array.of(1) } },
      "The message attribute 'attr1' with type 'String' must use field 'String'.",
    ],
    [
      { attr1: { DataType: 'Number', BinaryValue: Uint8Array.of(1) } },
      "The message attribute 'attr1' with type 'Number' must use field 'String'.",
    ],
    [
      { attr1: { DataType: 'Binary', StringValue: '123' } },
      "The message attribute 'attr1' with type 'Binary' must use field 'Binary'.",
    ],
    ...['InvalidType', 'Stringprefixed', 'Binary2', 'stringprefixed'].map(
      (type): [Record<string, MessageAttributeValue>, string] => [
        { attr1: text('x', type) },
        "The message attribute 'attr1' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
      ],
    ),
    [{ ['a'.repeat(257)]: text('x') }, 'Length of message attribute name must be less than 256 bytes.'],
    [
      { 'a^b': text('x') },
      "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
    ],
    [{ '.a': text('x') }, "Invalid message attribute name starting with character '.' was found."],
    [{ 'a.': text('x') }, "Invalid message attribute name ending with character '.' was found."],
    [{ 'a..b': text('x') }, "Message attribute name can not have successive '.' character."],
  ];
  for (const [MessageAttributes, message] of cases) {
    const entry = { Message: 'x', MessageAttributes };
    const alone = await refusal(m.sns.send(new PublishCommand({ TopicArn: topic, ...entry })));
    assert.deepEqual(alone, { code: 'InvalidParameterValueException', message, status: 400 });
    const batch = new PublishBatchCommand({
      TopicArn: topic,
      PublishBatchRequestEntries: [
        { Id: '1', Message: 'fine' },
        { Id: '2', ...entry },
      ],
    });
    assert.equal((await refusal(m.sns.send(batch))).message, message);
  }
  for (const type of ['String.prefixed', 'Number.2', 'Binary']) {
    const value = type === 'Binary' ? { DataType: type, BinaryValue: Uint8Array.of(1) } : text('1', type);
    await publish(m, { TopicArn: topic, Message: 'x', MessageAttributes: { a: value } });
  }
});

test('a batch', async (t) => {
  const m = await startMessaging(t);
  const { topic } = await topicAndQueue(m, { RawMessageDelivery: 'true' });
  const send = (entries: PublishBatchRequestEntry[], TopicArn = topic) =>
    m.sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: entries }));
  const answer = await send([
    { Id: '1', Message: 'with one', MessageAttributes: { attr1: text('19.12', 'Number') } },
    {
      Id: '2',
      Message: 'with two',
      MessageAttributes: { attr1: text('99.12', 'Number'), attr2: text('109.12', 'Number') },
    },
    { Id: '3', Message: 'without', Subject: 'S' },
    { Id: '4', Message: '{"default":"d","sqs":"queue"}', MessageStructure: 'json' },
  ]);
  assert.deepEqual(answer.Failed, []);
  assert.deepEqual(
    answer.Successful?.map(({ Id }) => Id),
    ['1', '2', '3', '4'],
  );
  assert.equal(new Set(answer.Successful?.map(({ MessageId }) => MessageId)).size, 4);
  const messages = await drain(m, 'q');
  assert.deepEqual(
    messages.map(({ Body }) => Body),
    ['with one', 'with two', 'without', 'queue'],
  );
  // Recorded.
  assert.deepEqual(
    messages.slice(0, 2).map(({ MD5OfMessageAttributes }) => MD5OfMessageAttributes),
    ['1f07082409022a373fa2a2601f82b3cb', '9b720b3af309c1c4b0d395c53b08c502'],
  );
  const refused = async (entries: PublishBatchRequestEntry[], arn?: string) => {
    const { code, message } = await refusal(send(entries, arn));
    return [code, message];
  };
  const ids = (...all: string[]) => all.map((Id) => ({ Id, Message: 'x' }));
  assert.deepEqual(await refused([]), [
    'EmptyBatchRequestException',
    "The batch request doesn't contain any entries.",
  ]);
  assert.deepEqual(await refused(ids(...'abcdefghijk')), [
    'TooManyEntriesInBatchRequestException',
    'The batch request contains more entries than permissible.',
  ]);
  assert.deepEqual(await refused(ids('a', 'a')), [
    'BatchEntryIdsNotDistinctException',
    'Two or more batch entries in the request have the same Id.',
  ]);
  assert.equal((await refused(ids('a b')))[0], 'InvalidBatchEntryIdException');
  const half = 'a'.repeat(131_073);
  assert.deepEqual(
    await refused([
      { Id: '1', Message: half },
      { Id: '2', Message: half },
    ]),
    ['BatchRequestTooLongException', 'The length of all the messages put together is more than the limit.'],
  );
  assert.deepEqual(await refused(ids('a'), topicArnOf('none')), [
    'NotFoundException',
    'Topic does not exist',
  ]);
});

test('filter policies of attributes and of the body', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const policies: Record<string, Record<string, string>> = {
    dear: { FilterPolicy: '{"price":[{"numeric":[">",100]}]}' },
    fruit: { FilterPolicy: '{"kind":["fruit",{"prefix":"berry"}]}' },
    unmarked: { FilterPolicy: '{"kind":[{"exists":false}]}' },
    body: {
      FilterPolicy: '{"order":{"state":["paid"],"lines":{"sku":[{"suffix":"-x"}]}}}',
      FilterPolicyScope: 'MessageBody',
    },
  };
  for (const [name, attributes] of Object.entries(policies)) {
    await createQueue(m, name);
    await subscribe(m, topic, 'sqs', queueArnOf(name), { ...attributes, RawMessageDelivery: 'true' });
  }
  const paid = '{"order":{"state":"paid","lines":[{"sku":"a-x"},{"sku":"b-y"}]}}';
  await publish(m, {
    TopicArn: topic,
    Message: 'apple',
    MessageAttributes: { kind: text('fruit'), price: text('2', 'Number') },
  });
  await publish(m, {
    TopicArn: topic,
    Message: 'saffron',
    MessageAttributes: { kind: text('["spice","berrylike"]', 'String.Array'), price: text('1e3', 'Number') },
  });
  await publish(m, { TopicArn: topic, Message: paid });
  await publish(m, { TopicArn: topic, Message: '{"order":{"state":"new"}}' });
  const got = async (name: string) => (await drain(m, name)).map(({ Body }) => Body);
  assert.deepEqual(await got('dear'), ['saffron']);
  assert.deepEqual(await got('fruit'), ['apple', 'saffron']);
  assert.deepEqual(await got('unmarked'), [paid, '{"order":{"state":"new"}}']);
  assert.deepEqual(await got('body'), [paid]);
});

test('a changed subscription counts from the next message', async (t) => {
  const m = await startMessaging(t);
  const { topic, subscription } = await topicAndQueue(m);
  const set = (AttributeName: string, AttributeValue: string) =>
    m.sns.send(
      new SetSubscriptionAttributesCommand({ SubscriptionArn: subscription, AttributeName, AttributeValue }),
    );
  await publish(m, { TopicArn: topic, Message: '1' });
  await set('RawMessageDelivery', 'true');
  await publish(m, { TopicArn: topic, Message: '2' });
  await set('FilterPolicy', '{"never":["x"]}');
  await publish(m, { TopicArn: topic, Message: '3' });
  await set('FilterPolicy', '{}');
  await publish(m, { TopicArn: topic, Message: '4' });
  const [first, ...rest] = await drain(m, 'q');
  assert.equal(envelopeOf(first).Message, '1');
  assert.deepEqual(
    rest.map(({ Body }) => Body),
    ['2', '4'],
  );
});

test('a queue that is gone: the dead-letter queue gets what the queue would have got', async (t) => {
  for (const raw of [true, false]) {
    const m = await startMessaging(t);
    const deadLetters = JSON.stringify({ deadLetterTargetArn: queueArnOf('dead') });
    const { topic, subscription } = await topicAndQueue(m, {
      RawMessageDelivery: String(raw),
      RedrivePolicy: deadLetters,
    });
    await createQueue(m, 'dead');
    await m.sqs.send(new DeleteQueueCommand({ QueueUrl: `${m.endpoint}/000000000000/q` }));
    const attributes = {
      attr1: text('111', 'Number'),
      attr2: { DataType: 'Binary', BinaryValue: Uint8Array.of(2, 3, 4) },
    };
    const id = await publish(m, { TopicArn: topic, Message: 'lost', MessageAttributes: attributes });
    const [letter] = await drain(m, 'dead');
    if (raw) {
      assert.equal(letter?.Body, 'lost');
      assert.deepEqual(Object.keys(letter?.MessageAttributes ?? {}).sort(), ['attr1', 'attr2']);
    } else {
      const { MessageId, Message, UnsubscribeURL } = envelopeOf(letter);
      assert.deepEqual([MessageId, Message], [id, 'lost']);
      assert.ok(String(UnsubscribeURL).endsWith(subscription));
    }
    assert.equal(letter?.Attributes?.DeadLetterQueueSourceArn, undefined);
    const line = JSON.parse(m.lines[0]?.text ?? '');
    assert.equal(line.status, 'FAILURE');
    assert.equal(line.notification.messageId, id);
    assert.equal(line.delivery.destination, queueArnOf('q'));
    // Without a dead-letter queue it is only written down.
    await m.sns.send(
      new SetSubscriptionAttributesCommand({
        SubscriptionArn: subscription,
        AttributeName: 'RedrivePolicy',
        AttributeValue: '{}',
      }),
    );
    await publish(m, { TopicArn: topic, Message: 'really lost' });
    assert.equal((await drain(m, 'dead')).length, 0);
    assert.equal(JSON.parse(m.lines[1]?.text ?? '').delivery.deadLettered, false);
  }
});

test('a trace and a group go along with the message', async (t) => {
  const m = await startMessaging(t);
  const { topic } = await topicAndQueue(m);
  const trace = 'Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1';
  m.sns.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['X-Amzn-Trace-Id'] = trace;
      return next(args);
    },
    { step: 'build' },
  );
  await publish(m, { TopicArn: topic, Message: 'x', MessageGroupId: 'tenant' });
  const [message] = await drain(m, 'q');
  assert.equal(message?.Attributes?.AWSTraceHeader, trace);
  assert.equal(message?.Attributes?.MessageGroupId, 'tenant');
});

test('successes are written down where the topic asks for it', async (t) => {
  const m = await startMessaging(t);
  const { topic } = await topicAndQueue(m);
  await createQueue(m, 'filtered');
  await subscribe(m, topic, 'sqs', queueArnOf('filtered'), { FilterPolicy: '{"k":["never"]}' });
  await publish(m, { TopicArn: topic, Message: 'silent' });
  assert.equal(m.lines.length, 0);
  await m.sns.send(
    new SetTopicAttributesCommand({
      TopicArn: topic,
      AttributeName: 'SQSSuccessFeedbackRoleArn',
      AttributeValue: 'arn:aws:iam::000000000000:role/logs',
    }),
  );
  const id = await publish(m, { TopicArn: topic, Message: 'written' });
  const message = (await drain(m, 'q'))[1] as Message;
  assert.equal(m.lines.length, 1);
  assert.equal(m.lines[0]?.group, 'sns/us-east-1/000000000000/t');
  const { delivery, notification, status } = JSON.parse(m.lines[0]?.text ?? '');
  assert.equal(status, 'SUCCESS');
  assert.match(delivery.deliveryId, UUID);
  assert.deepEqual(
    { ...delivery, deliveryId: '' },
    {
      deliveryId: '',
      destination: queueArnOf('q'),
      providerResponse: JSON.stringify({ sqsMessageId: message.MessageId }),
      dwellTimeMs: 0,
      statusCode: 200,
    },
  );
  assert.equal(notification.messageId, id);
  assert.equal(notification.timestamp, '2030-01-01 00:00:00.000');
});
