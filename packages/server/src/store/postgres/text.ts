/**
 * Text that PostgreSQL can hold: it has no U+0000. Two characters stand for it, and the first of the two for itself
 * is doubled, so that any text comes back as it was.
 */

const ESCAPE = '\u0010';
const TO_ESCAPE = /[\u0000\u0010]/;
const ALL_TO_ESCAPE = /[\u0000\u0010]/g;
const ESCAPED = /\u0010(.)/gs;

export function toText(value: string): string {
  if (!TO_ESCAPE.test(value)) return value;
  return value.replace(ALL_TO_ESCAPE, (found) => ESCAPE + (found === ESCAPE ? ESCAPE : '0'));
}

export function fromText(stored: string): string {
  if (!stored.includes(ESCAPE)) return stored;
  return stored.replace(ESCAPED, (_, mark: string) => (mark === ESCAPE ? ESCAPE : '\u0000'));
}
