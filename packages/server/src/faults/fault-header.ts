/** A fault in one line: `effect=timeout; target=function:orders; first=1; delay=5s`. */
import type { FaultInput } from '../domain/fault-rule.ts';
import { parseDuration } from '../platform/duration.ts';
import { ApiError } from '../protocol/error.ts';

const NUMBERS = ['probability', 'first', 'every', 'exitCode'];
const DURATIONS = { delay: 'delayMs', after: 'afterMs', for: 'forMs' } as const;
const TEXTS = ['target', 'effect', 'errorType', 'errorMessage'];

/** Fails with an ApiError that says which part is wrong. */
export function parseFaultHeader(text: string, defaultTarget: string): FaultInput {
  const fields: Record<string, string | number> = { target: defaultTarget };
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const equals = part.indexOf('=');
    // A lone word is the effect.
    const name = equals === -1 ? 'effect' : part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (TEXTS.includes(name)) fields[name] = value;
    else if (NUMBERS.includes(name)) fields[name] = Number(value);
    else if (name in DURATIONS) {
      const ms = parseDuration(value);
      if (ms === undefined) throw invalid(`${name}: expected a duration such as 5s, found '${value}'`);
      fields[DURATIONS[name as keyof typeof DURATIONS]] = ms;
    } else {
      const known = [...TEXTS, ...NUMBERS, ...Object.keys(DURATIONS)].join(', ');
      throw invalid(`expected one of ${known}, found '${name}'`);
    }
  }
  if (fields.effect === undefined) throw invalid('expected an effect, such as effect=throttle');
  return fields as unknown as FaultInput;
}

function invalid(message: string): ApiError {
  return new ApiError('ValidationException', `x-redrive-fault: ${message}`);
}
