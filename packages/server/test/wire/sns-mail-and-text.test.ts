/** Mail through a real SMTP server, text messages to a webhook or into the log. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { GetSubscriptionAttributesCommand, PublishCommand } from '@aws-sdk/client-sns';
import { SMTPServer } from 'smtp-server';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { startEndpoint } from '../support/http-endpoint.ts';
import { startMessaging } from '../support/messaging.ts';
import { createTopic, publish, refusal, subscribe } from '../support/topics.ts';

interface Mail {
  readonly from: string;
  readonly to: string[];
  readonly text: string;
}

/** `refuse`: the code that senders get in place of a welcome. */
async function startMailServer(
  t: Cleanup,
): Promise<{ url: string; mails: Mail[]; refuse: number | undefined }> {
  const mails: Mail[] = [];
  const state = { url: '', mails, refuse: undefined as number | undefined };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    async onData(stream, session, done) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      if (state.refuse !== undefined) {
        done(Object.assign(new Error('not now'), { responseCode: state.refuse }));
        return;
      }
      const { mailFrom, rcptTo } = session.envelope;
      mails.push({
        from: mailFrom ? mailFrom.address : '',
        to: rcptTo.map(({ address }) => address),
        text: Buffer.concat(chunks).toString(),
      });
      done();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => new Promise<void>((resolve) => server.close(() => resolve())));
  state.url = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return state;
}

/** Body of a mail, with lines as they were before they were folded for transport. */
function bodyOf({ text }: Mail): string {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const body = rest.join('\n\n').replaceAll('\r\n', '\n');
  return /quoted-printable/i.test(head)
    ? body
        .replace(/=\n/g, '')
        .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : body;
}
function subjectOf({ text }: Mail): string | undefined {
  return /^Subject: (.*)$/m.exec(text)?.[1]?.trim();
}

test('mail needs a server', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  const { message } = await refusal(subscribe(m, topic, 'email', 'a@example.com'));
  assert.match(message, /SMTP server/);
});

test('mail: confirmation by link, plain and JSON', async (t) => {
  const mail = await startMailServer(t);
  const m = await startMessaging(t, { senders: { smtpUrl: mail.url, mailFrom: 'topics@example.com' } });
  const topic = await createTopic(m, 't');
  const plain = await subscribe(m, topic, 'email', 'plain@example.com');
  const json = await subscribe(m, topic, 'email-json', 'json@example.com');
  await m.advance(0);
  const [first, second] = mail.mails.sort((a, b) => (a.to[0] ?? '').localeCompare(b.to[0] ?? '')) as [
    Mail,
    Mail,
  ];
  assert.deepEqual([first.from, first.to], ['topics@example.com', ['json@example.com']]);
  assert.equal(subjectOf(second), 'AWS Notification - Subscription Confirmation');
  const link = /http\S+ConfirmSubscription\S+/.exec(bodyOf(second))?.[0] as string;
  assert.equal((await fetch(link)).status, 200);
  const { SubscribeURL } = JSON.parse(bodyOf(first));
  assert.equal((await fetch(SubscribeURL)).status, 200);
  mail.mails.length = 0;

  await publish(m, { TopicArn: topic, Message: 'the text', Subject: 'the subject' });
  await m.advance(0);
  assert.equal(mail.mails.length, 2);
  for (const sent of mail.mails) {
    assert.equal(subjectOf(sent), 'the subject');
    const body = bodyOf(sent);
    if (sent.to[0] === 'plain@example.com') {
      assert.ok(body.startsWith('the text\n'));
      assert.ok(body.includes(`Action=Unsubscribe&SubscriptionArn=${plain}`));
    } else assert.equal(JSON.parse(body).Message, 'the text');
  }
  const { Attributes } = await m.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: json }));
  assert.equal(Attributes?.PendingConfirmation, 'false');
});

test('mail that is not taken now is sent later; mail that is refused for good is not', async (t) => {
  const mail = await startMailServer(t);
  const m = await startMessaging(t, { senders: { smtpUrl: mail.url } });
  const topic = await createTopic(m, 't');
  await subscribe(m, topic, 'email', 'a@example.com');
  await m.advance(0);
  await fetch(/http\S+ConfirmSubscription\S+/.exec(bodyOf(mail.mails[0] as Mail))?.[0] as string);
  mail.refuse = 451;
  await publish(m, { TopicArn: topic, Message: 'later' });
  await m.advance(5_000);
  assert.equal(mail.mails.length, 1);
  mail.refuse = undefined;
  await m.advance(60_000);
  assert.equal(mail.mails.length, 2);
  assert.equal(m.lines.length, 0);
  mail.refuse = 550;
  await publish(m, { TopicArn: topic, Message: 'never' });
  await m.advance(0);
  const { attempts, statusCode } = JSON.parse(m.lines[0]?.text ?? '').delivery;
  assert.deepEqual([attempts, statusCode], [1, 550]);
});

test('text messages: of a topic and to a number', async (t) => {
  const hook = await startEndpoint(t);
  const m = await startMessaging(t, { senders: { textWebhook: hook.url } });
  const topic = await createTopic(m, 't');
  await subscribe(m, topic, 'sms', '+15551234567');
  const ofTopic = await publish(m, { TopicArn: topic, Message: 'hello', Subject: 'not shown' });
  const { MessageId } = await m.sns.send(
    new PublishCommand({ PhoneNumber: '+15557654321', Message: 'direct' }),
  );
  await m.advance(0);
  const received = hook.received.map(({ body }) => JSON.parse(body));
  assert.deepEqual(
    received.sort((a, b) => a.message.localeCompare(b.message)),
    [
      { phoneNumber: '+15557654321', message: 'direct', messageId: MessageId },
      { phoneNumber: '+15551234567', message: 'hello', messageId: ofTopic, topicArn: topic },
    ],
  );
  const line = JSON.parse(m.lines[0]?.text ?? '');
  assert.equal(m.lines[0]?.group, 'sns/us-east-1/000000000000/DirectPublishToPhoneNumber');
  assert.deepEqual([line.status, line.delivery.destination], ['SUCCESS', '+15557654321']);
});

test('text messages without a webhook are written down', async (t) => {
  const m = await startMessaging(t);
  await m.sns.send(new PublishCommand({ PhoneNumber: '+15557654321', Message: 'direct' }));
  await m.advance(0);
  assert.equal(JSON.parse(m.lines[0]?.text ?? '').status, 'SUCCESS');
});
