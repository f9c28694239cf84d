import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EffectView, type Facts, findConflict } from './conflicts.ts';

const facts: Facts = {
  message: ({ seq }) => (seq === 1 ? { lease: 2, held: true, dueAt: 100, sentAt: 10 } : undefined),
  status: (subject) => ({ pending: 'Pending', done: 'Succeeded' })[subject],
  version: (_collection, key) => (key === 'three' ? 3 : 0),
};
const receipt = { queue: 'q', seq: 1, id: 'm', lease: 2 };
const ack: EffectView = { kind: 'ack', receipt };
const release: EffectView = { kind: 'reschedule', receipt, dueAt: 50, release: true };
const extend: EffectView = { kind: 'reschedule', receipt, dueAt: 500, release: false };
const put = (key: string, ifVersion?: number): EffectView => ({
  kind: 'put',
  collection: 'c',
  key,
  ifVersion,
});
const settle = (subject: string): EffectView => ({ kind: 'append', subject, settle: {} });

const cases: [what: string, unit: EffectView[], expected: [reason: string, effect: number] | undefined][] = [
  ['a current receipt', [ack], undefined],
  ['a message that is gone', [{ kind: 'ack', receipt: { ...receipt, seq: 2 } }], ['UnknownMessage', 0]],
  ['a stale receipt', [{ kind: 'ack', receipt: { ...receipt, lease: 1 } }], ['StaleReceipt', 0]],
  ['a hold that lasts', [{ ...ack, heldAt: 99 }], undefined],
  ['a hold that has run out', [{ ...ack, heldAt: 100 }], ['StaleReceipt', 0]],
  ['settled twice in one unit', [ack, ack], ['UnknownMessage', 1]],
  ['released, then settled', [release, ack], undefined],
  ['released, then settled as held', [release, { ...ack, heldAt: 10 }], ['StaleReceipt', 1]],
  ['extended, then settled as held', [extend, { ...ack, heldAt: 400 }], undefined],
  ['cleared, then settled', [{ kind: 'clear', queue: 'q' }, ack], ['UnknownMessage', 1]],
  ['another queue cleared', [{ kind: 'clear', queue: 'r' }, ack], undefined],
  ['older ones cleared', [{ kind: 'clear', queue: 'q', sentBefore: 10 }, ack], undefined],
  ['this one cleared', [{ kind: 'clear', queue: 'q', sentBefore: 11 }, ack], ['UnknownMessage', 1]],
  ['a known subject', [{ kind: 'send', message: { subject: 'done' } }], undefined],
  ['an unknown subject', [{ kind: 'send', message: { subject: 'x' } }], ['UnknownSubject', 0]],
  [
    'opened, then named',
    [
      { kind: 'open', subject: 'x' },
      { kind: 'send', message: { subject: 'x' } },
    ],
    undefined,
  ],
  ['opened again', [{ kind: 'open', subject: 'done' }], ['DuplicateSubject', 0]],
  [
    'opened twice',
    [
      { kind: 'open', subject: 'x' },
      { kind: 'open', subject: 'x' },
    ],
    ['DuplicateSubject', 1],
  ],
  ['an entry after the fate', [{ kind: 'append', subject: 'done' }], undefined],
  ['an entry of nobody', [{ kind: 'append', subject: 'x' }], ['UnknownSubject', 0]],
  ['a first fate', [settle('pending')], undefined],
  ['a second fate', [settle('done')], ['AlreadySettled', 0]],
  ['two fates in one unit', [settle('pending'), settle('pending')], ['AlreadySettled', 1]],
  ['an expected version', [put('three', 3)], undefined],
  ['a wrong version', [put('three', 2)], ['VersionMismatch', 0]],
  ['a new resource', [put('new', 0)], undefined],
  ['no longer new', [put('three', 0)], ['VersionMismatch', 0]],
  ['put without a guard, then guarded', [put('new'), put('new', 1)], ['VersionMismatch', 1]],
  ['removed, then new', [{ kind: 'remove', collection: 'c', key: 'three' }, put('three', 0)], undefined],
  ['what has no conditions', [{ kind: 'count' }, { kind: 'write' }, { kind: 'erase' }], undefined],
];

for (const [what, unit, expected] of cases) {
  test(what, () => {
    const found = findConflict(unit, facts);
    assert.deepEqual(found && [found.reason, found.effect], expected);
  });
}
