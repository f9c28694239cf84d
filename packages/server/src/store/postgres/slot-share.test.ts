import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JOIN_WAIT_MS, shareOf, TRUST_MS } from './slot-share.ts';

test('the shares of all nodes are the whole, whatever the pool, and as equal as can be', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 }),
      fc.nat(50),
      fc.string(),
      (nodes, total, pool) => {
        const shares = nodes.map((node) =>
          shareOf(pool, total, { node, others: nodes.filter((other) => other !== node), silentMs: 0 }),
        );
        assert.equal(
          shares.reduce((a, b) => a + b, 0),
          total,
        );
        assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
      },
    ),
  );
});

test('who has just joined, or is not heard of, takes nothing', () => {
  const member = { node: 'a', others: ['b'], silentMs: 0 };
  assert.equal(shareOf('p', 10, { ...member, joinedMs: JOIN_WAIT_MS - 1 }), 0);
  assert.equal(shareOf('p', 10, { ...member, joinedMs: JOIN_WAIT_MS }), 5);
  assert.equal(shareOf('p', 10, { ...member, silentMs: TRUST_MS + 1 }), 0);
});
