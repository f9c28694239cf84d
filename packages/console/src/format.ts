/** Numbers, instants and durations as people read them. */

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

const UNITS: readonly [ms: number, name: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];

/** `2h 5m`, `12s`, `340ms`: two units at most. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`;
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, name] of UNITS) {
    const value = Math.floor(rest / unit);
    rest -= value * unit;
    if (value > 0) parts.push(`${value}${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

export function exact(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** `just now`, `3m ago`, `in 40s`. */
export function relative(at: number, now: number): string {
  const ms = now - at;
  if (Math.abs(ms) < 2_000) return 'just now';
  const [unit, name] = UNITS.find(([size]) => Math.abs(ms) >= size) ?? [1_000, 's'];
  const text = `${Math.floor(Math.abs(ms) / unit)}${name}`;
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** The last part of an ARN: a queue's name, a function with its qualifier. */
export function nameOfArn(arn: string): string {
  return arn.split(':function:')[1] ?? arn.slice(arn.lastIndexOf(':') + 1);
}

const MAX_DEPTH = 60;

/** Indented JSON; the text as it is when it is not JSON, or nested so deep that indenting would drown it. */
export function pretty(text: string): { readonly text: string; readonly json: boolean } {
  if (depthOf(text) > MAX_DEPTH) return { text, json: false };
  try {
    return { text: JSON.stringify(JSON.parse(text), undefined, 2), json: true };
  } catch {
    return { text, json: false };
  }
}

/** Upper bound of nesting. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length && deepest <= MAX_DEPTH; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x5d || char === 0x7d) depth--;
  }
  return deepest;
}

/** Numbers that JSON.parse would change when they are printed again. */
export function losesDigits(text: string): boolean {
  return /(?<![\w."])-?\d{16,}(?![\w."])/.test(text);
}
