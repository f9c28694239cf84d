import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countTurns, extendLineage, isRecursive } from './lineage.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:fn';
const HEADER = 'Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0';

test('the first run adds itself in the recorded form', () => {
  assert.match(extendLineage(HEADER, ARN), /^Root=1-.*;Parent=.*;Sampled=0;Lineage=1:[0-9a-f]{8}:0$/);
});

test('sixteen runs, the seventeenth is stopped', () => {
  let header = HEADER;
  for (let run = 1; run <= 16; run++) {
    assert.equal(isRecursive(header, ARN, 'Terminate'), false, `run ${run}`);
    header = extendLineage(header, ARN);
    assert.equal(countTurns(header, ARN), run);
  }
  assert.equal(isRecursive(header, ARN, 'Terminate'), true);
  assert.equal(isRecursive(header, ARN, 'Allow'), false);
  assert.equal(isRecursive(header, `${ARN}2`, 'Terminate'), false);
});

test('functions of one chain are counted apart', () => {
  let header = HEADER;
  for (let i = 0; i < 5; i++) header = extendLineage(extendLineage(header, `${ARN}-a`), `${ARN}-b`);
  assert.equal(countTurns(header, `${ARN}-a`), 5);
  assert.equal(countTurns(header, `${ARN}-b`), 5);
});

test('whatever the header says, it is read and extended, and stays small', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.nat(20), { maxLength: 40 }), (text, chain) => {
      const start = `Root=1;${text}`;
      const header = chain.reduce((each, n) => extendLineage(each, `${ARN}-${n}`), start);
      assert.ok(header.length <= start.length + 8 * 20 + 10);
      const last = chain.at(-1);
      if (last !== undefined) assert.ok(countTurns(header, `${ARN}-${last}`) >= 1);
    }),
  );
});
