import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';

test('what clients send', () => {
  const at = 1_790_312_384;
  for (const [text, seconds] of [
    ['2026-09-25T04:59:44Z', at],
    ['2026-09-25T04:59:44.592Z', at + 0.592],
    ['2026-09-25T04:59:44', at],
    ['2026-09-25T06:59:44+02:00', at],
    ['2026-09-25T06:59:44+0200', at],
    ['2026-09-25T04:59Z', at - 44],
    ['2026-09-25', at - 17_984],
    ['1790312384', at],
    ['1790312384.592', at + 0.592],
  ] as const) {
    assert.equal(parseTimestamp(text, 'date-time'), seconds, text);
  }
  assert.equal(parseTimestamp(at + 0.5, 'epoch-seconds'), at + 0.5);
  assert.equal(parseTimestamp('Fri, 25 Sep 2026 04:59:44 GMT', 'http-date'), at);
});

test('what is no timestamp', () => {
  for (const value of [
    '',
    'soon',
    '2026',
    '2026-13-40T00:00:00Z',
    'Fri, 25 Sep 2026',
    true,
    null,
    {},
    Number.NaN,
  ]) {
    assert.equal(parseTimestamp(value, 'date-time'), value === '2026' ? 2026 : undefined, String(value));
  }
});

test('milliseconds survive every format', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (ms) => {
      for (const format of ['epoch-seconds', 'date-time'] as const) {
        const back = parseTimestamp(formatTimestamp(ms / 1000, format), format);
        assert.equal(Math.round(back! * 1000), ms);
      }
    }),
  );
});
