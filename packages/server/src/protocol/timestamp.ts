/**
 * Timestamps on the wire. Inside, a wire timestamp is a number of epoch seconds, possibly fractional;
 * AWS keeps milliseconds, so nothing finer is written.
 */
import type { TimestampFormat } from './model.ts';

/** ISO 8601 with a zone, or without one (then UTC): what the SDKs and the CLI send. */
const DATE_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** Epoch seconds, or undefined when `value` is not a timestamp. A number is accepted in every format. */
export function parseTimestamp(value: unknown, format: TimestampFormat): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value === '') return undefined;
  if (format === 'epoch-seconds' || /^-?\d+(\.\d+)?$/.test(value)) {
    const seconds = Number(value);
    if (Number.isFinite(seconds)) return seconds;
  }
  let text = value;
  if (DATE_TIME.test(value)) {
    if (value.includes('T') && !/(?:Z|[+-]\d\d:?\d\d)$/.test(value)) text = `${value}Z`;
  } else if (format !== 'http-date') return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms / 1000;
}

/** `2026-09-14T15:47:16Z`, with milliseconds where there are any. */
function formatDateTime(seconds: number): string {
  const text = new Date(Math.round(seconds * 1000)).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, -5)}Z` : text;
}

export function formatTimestamp(seconds: number, format: TimestampFormat): number | string {
  if (format === 'epoch-seconds') return Math.round(seconds * 1000) / 1000;
  if (format === 'http-date') return new Date(Math.round(seconds * 1000)).toUTCString();
  return formatDateTime(seconds);
}
