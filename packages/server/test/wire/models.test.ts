/** The committed models are exactly what the installed SDK clients export; start-up checks hold tables to them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from '../../src/protocol/model.ts';
import { assertServiceMatches } from '../../src/protocol/service-check.ts';
import { formatModel, generateModel, modelPath, SERVICES } from '../../tools/gen-models.ts';

for (const service of SERVICES) {
  test(`the model of ${service} is current (else: npm run gen-models)`, () => {
    assert.equal(readFileSync(modelPath(service), 'utf8'), formatModel(generateModel(service)));
  });

  test(`the model of ${service} links`, () => {
    const model = loadModel(service);
    assert.ok(model.operations.size > 20);
    for (const operation of model.operations.values()) {
      assert.equal(operation.input.kind, 'structure');
      assert.equal(operation.output.kind, 'structure');
    }
    assert.equal(loadModel(service), model);
  });
}

test('a handler that the model lacks is refused at start-up', () => {
  assert.throws(
    () => assertServiceMatches({ name: 'sqs', errors: {}, operations: { SendMesage: () => ({}) } }),
    /tables of sqs do not match its model: operation SendMesage is not in the model/,
  );
});

test('error rows must have the status, fault and query code of the model', () => {
  assert.throws(
    () =>
      assertServiceMatches({
        name: 'sqs',
        errors: {
          QueueDoesNotExist: { status: 404, fault: 'server' },
          Nonsense: { status: 400, fault: 'client' },
        },
        operations: {},
      }),
    (error: Error) =>
      error.message.includes('error QueueDoesNotExist has status 404, the model says 400') &&
      error.message.includes('error QueueDoesNotExist has fault server, the model says client') &&
      error.message.includes('the model says AWS.SimpleQueueService.NonExistentQueue') &&
      error.message.includes('error Nonsense is not in the model'),
  );
});

test('errors that AWS sends beside its model are allowed', () => {
  assertServiceMatches({
    name: 'sqs',
    errors: {
      MissingRequiredParameterException: { status: 400, fault: 'client', queryCode: 'MissingParameter' },
    },
    operations: {},
  });
});
