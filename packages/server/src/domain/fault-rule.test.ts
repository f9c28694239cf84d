/** When a rule acts: a table, and what holds for every rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkFault,
  compileFault,
  createFault,
  decideFault,
  FAULT_EFFECTS,
  isOccasion,
  parseFaultTarget,
} from './fault-rule.ts';

const acting = (rule: Parameters<typeof decideFault>[0], occasions: number) =>
  Array.from({ length: occasions }, (_, seen) => decideFault(rule, seen, 0.5)).flatMap((acts, index) =>
    acts ? [index + 1] : [],
  );

test('which occasions a rule takes', () => {
  assert.deepEqual(acting({}, 3), [1, 2, 3]);
  assert.deepEqual(acting({ first: 2 }, 4), [1, 2]);
  assert.deepEqual(acting({ every: 3 }, 7), [3, 6]);
  assert.deepEqual(acting({ first: 4, every: 2 }, 8), [2, 4]);
  assert.deepEqual(acting({ probability: 0.4 }, 2), []);
  assert.deepEqual(acting({ probability: 0.6 }, 2), [1, 2]);
});

test('targets, windows, payloads and requests', () => {
  const occasion = (rule: object, name: string, payload: unknown, now: number, requestId?: string) =>
    isOccasion(
      compileFault(createFault({ target: 'function:orders-*', effect: 'timeout', ...rule }, 'x', 1_000)),
      { name, payload: () => payload, requestId },
      now,
    );
  assert.equal(occasion({}, 'orders-charge', {}, 1_000), true);
  assert.equal(occasion({}, 'invoices', {}, 1_000), false);
  assert.equal(occasion({ afterMs: 10, forMs: 5 }, 'orders-a', {}, 1_009), false);
  assert.equal(occasion({ afterMs: 10, forMs: 5 }, 'orders-a', {}, 1_010), true);
  assert.equal(occasion({ afterMs: 10, forMs: 5 }, 'orders-a', {}, 1_015), false);
  assert.equal(occasion({ payload: { id: ['7'] } }, 'orders-a', { id: '7' }, 1_000), true);
  assert.equal(occasion({ payload: { id: ['7'] } }, 'orders-a', { id: '8' }, 1_000), false);
  assert.equal(occasion({ requestId: 'r' }, 'orders-a', {}, 1_000, 's'), false);
});

test('every effect is accepted for its kind of target and refused for one that has it not', () => {
  const targets = {
    api: 'api:sqs:*',
    function: 'function:f',
    queue: 'queue:q',
    topic: 'topic:t',
    store: 'store',
    process: 'process',
  };
  for (const [kind, target] of Object.entries(targets)) {
    for (const effects of Object.values(FAULT_EFFECTS)) {
      for (const effect of effects) {
        const own: readonly string[] = FAULT_EFFECTS[kind as keyof typeof FAULT_EFFECTS];
        const problems = checkFault({ target, effect, delayMs: 1 });
        assert.equal(problems.length === 0, own.includes(effect), `${target} ${effect}`);
      }
    }
  }
});

test('a target reads back as it was written; anything else is refused', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('api', 'function', 'queue', 'topic'),
      fc.string({ minLength: 1 }),
      (kind, name) => {
        fc.pre(!name.includes('\n') && !/[\u2028\u2029\r]/.test(name));
        assert.deepEqual(parseFaultTarget(`${kind}:${name}`), { kind, name });
      },
    ),
  );
  assert.equal(parseFaultTarget('disk'), undefined);
});

test('"the first n" acts at most n times, whatever chance says', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 100 }),
      (first, chances) => {
        const acted = chances.filter((chance, seen) =>
          decideFault({ first, probability: 0.5 }, seen, chance),
        );
        assert.ok(acted.length <= first);
      },
    ),
  );
});
