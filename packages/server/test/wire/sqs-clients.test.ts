/** Every operation of SQS through boto3 and through the AWS CLI, unchanged but for the endpoint. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMessaging } from '../support/messaging.ts';
import { runCli, runPython, withoutBoto3, withoutCli } from '../support/other-clients.ts';

const BOTO3 = `
import boto3, json, time
sqs = boto3.client('sqs')
arn = 'arn:aws:sqs:us-east-1:000000000000:'
dead = sqs.create_queue(QueueName='dead')['QueueUrl']
policy = json.dumps({'deadLetterTargetArn': arn + 'dead', 'maxReceiveCount': 1})
url = sqs.create_queue(QueueName='q', Attributes={'RedrivePolicy': policy}, tags={'a': '1'})['QueueUrl']
fifo = sqs.create_queue(QueueName='q.fifo', Attributes={'FifoQueue': 'true', 'ContentBasedDeduplication': 'true'})['QueueUrl']
assert sqs.get_queue_url(QueueName='q')['QueueUrl'] == url
assert sqs.list_queues(QueueNamePrefix='q')['QueueUrls'] == [url, fifo]
assert sqs.list_dead_letter_source_queues(QueueUrl=dead)['queueUrls'] == [url]
sqs.set_queue_attributes(QueueUrl=url, Attributes={'VisibilityTimeout': '20'})
assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['VisibilityTimeout'])['Attributes'] == {'VisibilityTimeout': '20'}
sqs.tag_queue(QueueUrl=url, Tags={'b': '2'})
sqs.untag_queue(QueueUrl=url, TagKeys=['a'])
assert sqs.list_queue_tags(QueueUrl=url)['Tags'] == {'b': '2'}
sqs.add_permission(QueueUrl=url, Label='x', AWSAccountIds=['111111111111'], Actions=['SendMessage'])
sqs.remove_permission(QueueUrl=url, Label='x')
assert 'Attributes' not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['Policy'])

# boto3 checks the digests of bodies and attributes itself.
sent = sqs.send_message(QueueUrl=url, MessageBody='héllo', MessageAttributes={
    's': {'DataType': 'String', 'StringValue': 'v'},
    'b': {'DataType': 'Binary', 'BinaryValue': b'\\x00\\xff'},
}, MessageSystemAttributes={'AWSTraceHeader': {'DataType': 'String', 'StringValue': 'Root=1'}})
got = sqs.receive_message(QueueUrl=url, MessageAttributeNames=['All'], MessageSystemAttributeNames=['All'], WaitTimeSeconds=1)['Messages'][0]
assert got['MessageId'] == sent['MessageId'] and got['Body'] == 'héllo'
assert got['MessageAttributes']['b']['BinaryValue'] == b'\\x00\\xff'
assert got['Attributes']['AWSTraceHeader'] == 'Root=1'
sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got['ReceiptHandle'], VisibilityTimeout=60)
sqs.delete_message(QueueUrl=url, ReceiptHandle=got['ReceiptHandle'])

batch = sqs.send_message_batch(QueueUrl=url, Entries=[{'Id': str(i), 'MessageBody': str(i)} for i in range(3)])
assert [each['Id'] for each in batch['Successful']] == ['0', '1', '2']
got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)['Messages']
changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{'Id': 'a', 'ReceiptHandle': got[0]['ReceiptHandle'], 'VisibilityTimeout': 0}])
assert changed['Successful'] == [{'Id': 'a'}]
deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[{'Id': str(i), 'ReceiptHandle': each['ReceiptHandle']} for i, each in enumerate(got[1:])])
assert len(deleted['Successful']) == 2

assert 'Messages' not in sqs.receive_message(QueueUrl=url)
assert sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=['ApproximateNumberOfMessages'])['Attributes']['ApproximateNumberOfMessages'] == '1'
task = sqs.start_message_move_task(SourceArn=arn + 'dead')
for _ in range(100):
    result = sqs.list_message_move_tasks(SourceArn=arn + 'dead')['Results'][0]
    if result['Status'] == 'COMPLETED': break
    time.sleep(0.05)
assert result['ApproximateNumberOfMessagesMoved'] == 1, result
try:
    sqs.cancel_message_move_task(TaskHandle=task['TaskHandle'])
    assert False
except sqs.exceptions.ResourceNotFoundException as error:
    assert error.response['Error']['Message'] == 'Task does not exist.'

first = sqs.send_message(QueueUrl=fifo, MessageBody='x', MessageGroupId='g')
again = sqs.send_message(QueueUrl=fifo, MessageBody='x', MessageGroupId='g')
assert first['SequenceNumber'] == again['SequenceNumber']

sqs.purge_queue(QueueUrl=url)
try:
    sqs.purge_queue(QueueUrl=url)
    assert False
except sqs.exceptions.PurgeQueueInProgress as error:
    assert error.response['Error']['Code'] == 'AWS.SimpleQueueService.PurgeQueueInProgress'
sqs.delete_queue(QueueUrl=url)
try:
    sqs.send_message(QueueUrl=url, MessageBody='x')
    assert False
except sqs.exceptions.QueueDoesNotExist as error:
    assert error.response['Error'] == {**error.response['Error'], 'Code': 'AWS.SimpleQueueService.NonExistentQueue', 'Message': 'The specified queue does not exist.', 'QueryErrorCode': 'QueueDoesNotExist'}

resource = boto3.resource('sqs').get_queue_by_name(QueueName='dead')
resource.send_message(MessageBody='via resource')
message = resource.receive_messages(WaitTimeSeconds=1)[0]
message.delete()
print(json.dumps('done'))
`;

test('boto3', { skip: withoutBoto3 }, async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  assert.equal(await runPython(m.endpoint, BOTO3), 'done');
});

test('AWS CLI', { skip: withoutCli }, async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  const sqs = <T = Record<string, unknown>>(...args: string[]) => runCli<T>(m.endpoint, 'sqs', ...args);
  const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
  const url = (name: string) => `${m.endpoint}/000000000000/${name}`;
  const create = await sqs('create-queue', '--queue-name', 'dead');
  assert.deepEqual(create, { QueueUrl: url('dead') });
  const policy = JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount: 1 });
  await sqs('create-queue', '--queue-name', 'q', '--attributes', JSON.stringify({ RedrivePolicy: policy }));
  await Promise.all([
    sqs('get-queue-url', '--queue-name', 'q').then((answer) =>
      assert.deepEqual(answer, { QueueUrl: url('q') }),
    ),
    sqs('list-queues').then((answer) => assert.deepEqual(answer, { QueueUrls: [url('dead'), url('q')] })),
    sqs('list-dead-letter-source-queues', '--queue-url', url('dead')).then((answer) =>
      assert.deepEqual(answer, { queueUrls: [url('q')] }),
    ),
    sqs('tag-queue', '--queue-url', url('q'), '--tags', 'a=1,b=2'),
    sqs(
      'add-permission',
      '--queue-url',
      url('q'),
      '--label',
      'x',
      '--aws-account-ids',
      '111111111111',
      '--actions',
      'SendMessage',
    ),
    sqs('set-queue-attributes', '--queue-url', url('q'), '--attributes', 'VisibilityTimeout=0'),
  ]);
  await Promise.all([
    sqs('untag-queue', '--queue-url', url('q'), '--tag-keys', 'a'),
    sqs('remove-permission', '--queue-url', url('q'), '--label', 'x'),
  ]);
  assert.deepEqual(await sqs('list-queue-tags', '--queue-url', url('q')), { Tags: { b: '2' } });
  assert.deepEqual(
    await sqs(
      'get-queue-attributes',
      '--queue-url',
      url('q'),
      '--attribute-names',
      'VisibilityTimeout',
      'Policy',
    ),
    { Attributes: { VisibilityTimeout: '0' } },
  );
  await sqs(
    'send-message',
    '--queue-url',
    url('q'),
    '--message-body',
    'a',
    '--message-attributes',
    '{"k":{"DataType":"String","StringValue":"v"}}',
  );
  const received = await sqs<{ Messages: { ReceiptHandle: string; MessageAttributes: unknown }[] }>(
    'receive-message',
    '--queue-url',
    url('q'),
    '--visibility-timeout',
    '0',
    '--message-attribute-names',
    'All',
    '--wait-time-seconds',
    '1',
  );
  assert.deepEqual(received?.Messages[0]?.MessageAttributes, { k: { StringValue: 'v', DataType: 'String' } });
  const handle = received?.Messages[0]?.ReceiptHandle as string;
  await sqs(
    'change-message-visibility',
    '--queue-url',
    url('q'),
    '--receipt-handle',
    handle,
    '--visibility-timeout',
    '0',
  );
  const entries = (more: object) => JSON.stringify([{ Id: 'a', ReceiptHandle: handle, ...more }]);
  await sqs(
    'change-message-visibility-batch',
    '--queue-url',
    url('q'),
    '--entries',
    entries({ VisibilityTimeout: 0 }),
  );
  assert.equal(
    await sqs('receive-message', '--queue-url', url('q')),
    undefined,
    'it has gone to the dead-letter queue',
  );
  const task = await sqs<{ TaskHandle: string }>(
    'start-message-move-task',
    '--source-arn',
    arn('dead'),
    '--max-number-of-messages-per-second',
    '1',
  );
  const listed = await sqs<{ Results: { Status: string }[] }>(
    'list-message-move-tasks',
    '--source-arn',
    arn('dead'),
  );
  assert.equal(listed?.Results.length, 1);
  await assert.rejects(
    sqs('cancel-message-move-task', '--task-handle', task?.TaskHandle as string),
    /ResourceNotFoundException.*Task does not exist/s,
  );
  const batch = await sqs<{ Successful: { Id: string }[] }>(
    'send-message-batch',
    '--queue-url',
    url('dead'),
    '--entries',
    '[{"Id":"a","MessageBody":"x"}]',
  );
  assert.equal(batch?.Successful[0]?.Id, 'a');
  const held = await sqs<{ Messages: { ReceiptHandle: string }[] }>(
    'receive-message',
    '--queue-url',
    url('dead'),
  );
  const heldHandle = held?.Messages[0]?.ReceiptHandle as string;
  await sqs(
    'delete-message-batch',
    '--queue-url',
    url('dead'),
    '--entries',
    JSON.stringify([{ Id: 'a', ReceiptHandle: heldHandle }]),
  );
  await sqs('delete-message', '--queue-url', url('dead'), '--receipt-handle', heldHandle);
  await sqs('purge-queue', '--queue-url', url('dead'));
  await assert.rejects(
    sqs('purge-queue', '--queue-url', url('dead')),
    /PurgeQueueInProgress.*Only one PurgeQueue operation on dead/s,
  );
  await sqs('delete-queue', '--queue-url', url('dead'));
  await assert.rejects(
    sqs('get-queue-url', '--queue-name', 'dead'),
    /NonExistentQueue.*The specified queue does not exist\./s,
  );
});
