/** Durations as people write them: `90s`, `3m`, `3 minutes`, `1h30m`, `250ms`. */

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)/g;
const WHOLE = /^\s*(?:\d+(?:\.\d+)?\s*[a-z]+\s*)+$/;

/** Milliseconds; `undefined` when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (!WHOLE.test(lower)) return undefined;
  let total = 0;
  for (const [, amount, name] of lower.matchAll(PART)) {
    const unit = name as string;
    const unitMs = UNITS_MS[unit] ?? (unit.endsWith('s') ? UNITS_MS[unit.slice(0, -1)] : undefined);
    if (unitMs === undefined) return undefined;
    total += Number(amount) * unitMs;
  }
  return Math.round(total);
}

/** The two largest units that are not zero: `1h30m`, `2m5s`, `850ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  let rest = Math.round(ms / 1_000) * 1_000;
  const parts: string[] = [];
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(rest / (UNITS_MS[unit] as number));
    rest -= count * (UNITS_MS[unit] as number);
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join('');
}
