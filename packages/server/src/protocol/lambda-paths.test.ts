import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PathTree } from './lambda-paths.ts';
import { loadModel } from './model.ts';
import { labelsOf } from './rest-json.ts';

const operations = [...loadModel('lambda').operations.values()];
const tree = new PathTree(operations);

test('every operation of the model is found by its own URI, with any labels, with or without a trailing slash', () => {
  const label = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(
      fc.constantFrom(...operations),
      fc.array(label, { minLength: 4, maxLength: 4 }),
      fc.boolean(),
      (operation, values, slash) => {
        const [template, query = ''] = operation.uri.split('?') as [string, string?];
        const expected: string[] = [];
        const path = template.replace(/\{\w+\}/g, () => {
          const value = values[expected.length]!;
          expected.push(value);
          return encodeURIComponent(value);
        });
        const match = tree.match(operation.method, slash ? `${path}/` : path, query);
        // A literal segment wins over a label of the same text.
        if (expected.some((value) => /^[a-z-]+$/.test(value))) return;
        assert.equal(match?.operation, operation.name);
        assert.deepEqual(match?.labels, expected);
        assert.equal(labelsOf(operation.uri).length, expected.length);
      },
    ),
    { numRuns: 500 },
  );
});

test('what is no path of the service', () => {
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/2015-03-31'],
    ['GET', '/2015-03-31/functions/f/nonsense'],
    ['PATCH', '/2015-03-31/functions/f'],
    ['GET', '/2015-03-31/functions//configuration'],
    ['GET', '/2015-03-31/functions/%'],
    ['GET', '/2015-03-31/functions/f/aliases/a/b'],
  ] as const) {
    assert.equal(tree.match(method, path, ''), undefined, `${method} ${path}`);
  }
});

test('a list and an item are told apart', () => {
  assert.equal(tree.match('GET', '/2015-03-31/functions/', '')?.operation, 'ListFunctions');
  assert.equal(tree.match('GET', '/2015-03-31/functions/f', '')?.operation, 'GetFunction');
  const arn = encodeURIComponent('arn:aws:lambda:us-east-1:000000000000:function:f:live');
  assert.deepEqual(tree.match('POST', `/2015-03-31/functions/${arn}/invocations`, '')?.labels, [
    'arn:aws:lambda:us-east-1:000000000000:function:f:live',
  ]);
});
