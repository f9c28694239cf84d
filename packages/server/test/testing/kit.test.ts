/** The test kit as its users use it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakeContext, Redrive } from '../../src/testing/index.ts';

const ORDERS = fileURLToPath(new URL('../../../../examples/orders/template.yaml', import.meta.url));

test('an application, an event, six hours, its dead letter', async () => {
  await using redrive = await Redrive.start({ template: ORDERS });
  const id = await redrive.invoke('orders-warehouse', { id: '1' });
  await redrive.settle();
  assert.equal(await redrive.fate(id), undefined);
  const before = performance.now();
  await redrive.advance('6 hours');
  const tookMs = performance.now() - before;
  assert.equal((await redrive.fate(id))?.kind, 'DeadLettered');
  const story = await redrive.event(id);
  assert.deepEqual(
    story.attempts.map(({ startedAt }) => startedAt - story.acceptedAt),
    [0, 60_000, 180_000],
  );
  const [letter] = await redrive.deadLetters('orders-dead');
  assert.deepEqual(JSON.parse(letter?.body ?? ''), { id: '1' });
  assert.equal(letter?.attributes.RequestID, id);
  assert.equal(await redrive.metric({ name: 'Errors', dimensions: { FunctionName: 'orders-warehouse' } }), 3);
  assert.equal((await redrive.ledger()).unaccounted, 0);
  console.log(`six hours of event age: ${tookMs.toFixed(0)} ms`);
});

test('functions from source, calls, messages, faults', async () => {
  await using redrive = await Redrive.start();
  await redrive.deployFunction({ name: 'echo', source: 'export const handler = async (e) => e;' });
  assert.deepEqual((await redrive.request('echo', { a: 1 })).payload, { a: 1 });
  const fault = await redrive.fault({ target: 'function:echo', effect: 'exit' });
  assert.equal((await redrive.request('echo')).functionError, 'Unhandled');
  await redrive.lift(fault);
  assert.equal((await redrive.request('echo')).functionError, undefined);
  await redrive.call('sqs', 'CreateQueue', { QueueName: 'q' });
  await redrive.send('q', { hello: 'world' });
  assert.equal((await redrive.queue('q')).visible, 1);
  assert.ok((await redrive.logs('echo')).some(({ text }) => text.startsWith('REPORT')));
  await assert.rejects(redrive.advance('soon'), /expected a duration/);
  await assert.rejects(
    redrive.fault({ target: 'function:echo', effect: 'nap' }),
    /expected one of exception/,
  );
});

test('the same seed gives the same ids', async () => {
  const run = async (seed: number) => {
    await using redrive = await Redrive.start({ seed });
    await redrive.deployFunction({ name: 'f', source: 'export const handler = async () => 1;' });
    const id = await redrive.invoke('f');
    return id;
  };
  assert.equal(await run(7), await run(7));
  assert.notEqual(await run(7), await run(8));
});

test('a plug that is pulled loses nothing', async () => {
  await using redrive = await Redrive.start({ template: ORDERS, ownProcess: true });
  const id = await redrive.invoke('orders-charge', { id: '2' });
  await redrive.kill();
  await redrive.advance('10m');
  assert.equal((await redrive.fate(id))?.kind, 'Succeeded');
});

test('a handler’s context without a server', () => {
  const context = fakeContext({ functionName: 'f', remainingMs: 100 });
  assert.equal(context.getRemainingTimeInMillis(), 100);
  context.setRemainingTime(5);
  assert.equal(context.getRemainingTimeInMillis(), 5);
});
