/** Signatures, checked by the published validator for Node and by hand with the certificate that is served. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import https from 'node:https';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { SetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { startEndpoint } from '../support/http-endpoint.ts';
import { startMessaging } from '../support/messaging.ts';
import {
  createQueue,
  createTopic,
  drain,
  envelopeOf,
  publish,
  queueArnOf,
  subscribe,
} from '../support/topics.ts';

/** It has no types of its own. */
const MessageValidator = createRequire(import.meta.url)('sns-validator') as new () => {
  validate(message: object, done: (error: Error | null) => void): void;
};

/** The validator accepts certificates from AWS's hosts only: its request is led to ours. */
async function validate(t: { mock: typeof test.mock }, message: Record<string, unknown>): Promise<void> {
  const certificate = await (await fetch(String(message.SigningCertURL))).text();
  const get = t.mock.method(https, 'get', ((_: string, answer: (response: PassThrough) => void) => {
    const response = Object.assign(new PassThrough(), { statusCode: 200 });
    answer(response);
    response.end(certificate);
    return new PassThrough();
  }) as never);
  const path = `${String(message.MessageId)}.pem`;
  const signed = { ...message, SigningCertURL: `https://sns.us-east-1.amazonaws.com/${path}` };
  try {
    await new Promise<void>((resolve, reject) => {
      new MessageValidator().validate(signed, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    get.mock.restore();
  }
}

test('notifications of both versions, with and without a subject', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  await createQueue(m, 'q');
  await subscribe(m, topic, 'sqs', queueArnOf('q'));
  await publish(m, { TopicArn: topic, Message: 'öne\n"1"', Subject: 'about' });
  await publish(m, { TopicArn: topic, Message: '{"default":"a","sqs":"b"}', MessageStructure: 'json' });
  await m.sns.send(
    new SetTopicAttributesCommand({
      TopicArn: topic,
      AttributeName: 'SignatureVersion',
      AttributeValue: '2',
    }),
  );
  await publish(m, { TopicArn: topic, Message: 'two' });
  const messages = (await drain(m, 'q')).map(envelopeOf);
  assert.deepEqual(
    messages.map(({ SignatureVersion }) => SignatureVersion),
    ['1', '1', '2'],
  );
  for (const message of messages) await validate(t, message);
  await assert.rejects(validate(t, { ...messages[0], MessageId: 'other', Message: 'changed' }));
  await assert.rejects(validate(t, { ...messages[2], MessageId: 'another', Message: 'changed' }));
});

test('requests to confirm', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const endpoint = await startEndpoint(t);
  await subscribe(m, topic, 'http', endpoint.url);
  await m.advance(0);
  await validate(t, JSON.parse(endpoint.received[0]?.body ?? ''));
});

test('the certificate, which outlives the process', async (t) => {
  const first = await startMessaging(t);
  const pem = await (await fetch(first.endpoint + first.topicEngine.signer.certificatePath)).text();
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.subject, 'CN=sns.amazonaws.com');
  assert.ok(certificate.verify(certificate.publicKey));
  await first.close();
  const second = await startMessaging(t, { dataDir: first.dataDir });
  assert.equal(second.topicEngine.signer.certificate, pem);
});
