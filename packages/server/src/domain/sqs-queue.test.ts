import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQueueArn, parseQueueUrl, viewQueue } from './sqs-queue.ts';

test('every style of queue URL names its queue and account', () => {
  const whole = { name: 'orders', accountId: '000000000000' };
  for (const url of [
    'http://127.0.0.1:4566/000000000000/orders',
    'https://sqs.us-east-1.amazonaws.com/000000000000/orders',
    'http://sqs.us-east-1.localhost:4566/000000000000/orders',
    'http://us-east-1.queue.localhost:4566/000000000000/orders',
    'https://queue.amazonaws.com/000000000000/orders',
    'http://localhost:4566/queue/us-east-1/000000000000/orders',
    'http://localhost:4566/queue/000000000000/orders/',
    'http://localhost:4566/000000000000/orders?x=1',
    '/000000000000/orders',
    '000000000000/orders',
  ]) {
    assert.deepEqual(parseQueueUrl(url), whole, url);
  }
  assert.deepEqual(parseQueueUrl('orders'), { name: 'orders' });
  assert.deepEqual(parseQueueUrl('/orders'), { name: 'orders' });
  assert.deepEqual(parseQueueUrl('http://localhost:4566/orders.fifo'), { name: 'orders.fifo' });
  for (const nothing of ['', '/', 'http://localhost', 'http://localhost/', 'http://localhost//']) {
    assert.equal(parseQueueUrl(nothing), undefined, nothing);
  }
});

test('an ARN of a queue, and only that', () => {
  assert.deepEqual(parseQueueArn('arn:aws:sqs:us-east-1:000000000000:orders'), {
    name: 'orders',
    region: 'us-east-1',
    accountId: '000000000000',
  });
  for (const other of [
    'orders',
    'arn:aws:sns:us-east-1:000000000000:orders',
    'arn:aws:sqs:us-east-1:0:a:b',
  ]) {
    assert.equal(parseQueueArn(other), undefined);
  }
});

test('a queue without attributes has the defaults of AWS', () => {
  const arn = 'arn:aws:sqs:us-east-1:000000000000:orders';
  const queue = viewQueue({ name: 'orders', arn, createdAt: 1, modifiedAt: 1, attributes: {}, tags: {} });
  assert.equal(queue.visibilityMs, 30_000);
  assert.equal(queue.retentionMs, 345_600_000);
  assert.equal(queue.maxMessageBytes, 1_048_576);
  assert.equal(queue.delayMs, 0);
  assert.equal(queue.waitMs, 0);
  assert.equal(queue.fifo, false);
  assert.equal(queue.redrive, undefined);
});
