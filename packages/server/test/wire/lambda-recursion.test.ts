/** Loops through a queue are stopped after sixteen turns, unless the function allows them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  InvokeCommand,
  PutFunctionRecursionConfigCommand,
  RecursiveInvocationException,
} from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { extendLineage } from '../../src/domain/lineage.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { ARN, startLambdaWire } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda, sqs } = wire;

/** Sends what it got on, as the SDKs do: with the trace header of its run. */
const FORWARD = `
  const call = (headers, path, body) =>
    fetch(process.env.AWS_ENDPOINT_URL + path, {
      method: 'POST',
      headers: { 'X-Amzn-Trace-Id': process.env._X_AMZN_TRACE_ID, ...headers },
      body: JSON.stringify(body),
    });
  export const handler = async (event) => {
    const turn = Number(event.Records ? event.Records[0].body : event.turn) + 1;
    if (process.env.QUEUE) {
      const target = { 'X-Amz-Target': 'AmazonSQS.SendMessage', 'Content-Type': 'application/x-amz-json-1.0' };
      const answer = await call(target, '/', { QueueUrl: process.env.QUEUE, MessageBody: String(turn) });
      if (answer.status !== 200) throw new Error(await answer.text());
    } else {
      await call({ 'X-Amz-Invocation-Type': 'Event' }, '/2015-03-31/functions/' + process.env.NEXT + '/invocations', { turn });
    }
    console.log('turn', turn);
  };`;

test('through an event source mapping: the message ends in the dead-letter queue of its queue', async () => {
  const dead = await createQueue(wire, 'loop-dead');
  const queue = await createQueue(wire, 'loop', {
    VisibilityTimeout: '3',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 }),
  });
  await createFunction(wire, 'loop', FORWARD, { Environment: { Variables: { QUEUE: queue.url } } });
  await lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'loop', EventSourceArn: queue.arn }));
  await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: '0' }));
  const message = await eventually(
    async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl: dead.url }))).Messages?.[0],
    { timeoutMs: 30_000 },
  );
  assert.equal(message.Body, '16', 'sixteen runs, the seventeenth was stopped');
});

test('through asynchronous invocations: the event ends, and goes to the dead-letter queue', async () => {
  const dead = await createQueue(wire, 'async-dead');
  await createFunction(wire, 'again', FORWARD, {
    Environment: { Variables: { NEXT: 'again' } },
    DeadLetterConfig: { TargetArn: dead.arn },
  });
  await lambda.send(
    new InvokeCommand({ FunctionName: 'again', InvocationType: 'Event', Payload: Buffer.from('{"turn":0}') }),
  );
  const message = await eventually(
    async () =>
      (await sqs.send(new ReceiveMessageCommand({ QueueUrl: dead.url, MessageAttributeNames: ['All'] })))
        .Messages?.[0],
    { timeoutMs: 30_000 },
  );
  assert.deepEqual(JSON.parse(message.Body ?? ''), { turn: 16 });
  assert.match(message.MessageAttributes?.ErrorMessage?.StringValue ?? '', /recursive loop/);
});

test('a synchronous caller at the end of a loop is told; allowed loops go on', async () => {
  await wire.create('end');
  // The sixteenth run's header.
  let trace = 'Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0';
  for (let i = 0; i < 16; i++) trace = extendLineage(trace, `${ARN}:end`);
  const command = new InvokeCommand({ FunctionName: 'end' });
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amzn-trace-id'] = trace;
      return next(args);
    },
    { step: 'build' },
  );
  await assert.rejects(lambda.send(command), (error: RecursiveInvocationException) => {
    assert.ok(error instanceof RecursiveInvocationException);
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  });
  await lambda.send(new PutFunctionRecursionConfigCommand({ FunctionName: 'end', RecursiveLoop: 'Allow' }));
  assert.equal((await lambda.send(command)).StatusCode, 200);
});
