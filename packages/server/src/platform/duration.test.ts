import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration } from './duration.ts';

test('durations are read with their units and refused without', () => {
  for (const [text, ms] of [
    ['3m', 180_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['2d', 172_800_000],
    ['0s', 0],
    ['3 minutes', 180_000],
  ] as const) {
    assert.equal(parseDuration(text), ms);
  }
  for (const text of ['', '3', 'm', '-1s', '3x', '1h30']) assert.equal(parseDuration(text), undefined);
});

test('durations are written with two units at most', () => {
  for (const [ms, text] of [
    [0, '0ms'],
    [850, '850ms'],
    [60_000, '1m'],
    [125_000, '2m5s'],
    [5_400_000, '1h30m'],
    [90_061_000, '1d1h'],
    [86_400_000, '1d'],
    [3_605_000, '1h'],
  ] as const) {
    assert.equal(formatDuration(ms), text);
  }
});
