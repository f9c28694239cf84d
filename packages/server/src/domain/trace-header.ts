/**
 * The X-Ray header of an event that came without one: derived from its id, so that every attempt and every
 * record of the event carries the same. Format: "X-Ray concepts — Tracing header".
 */
import { timeOfOrderedId } from '../platform/ids.ts';

/** @param requestId a time-ordered id */
export function traceHeaderOf(requestId: string): string {
  const hex = requestId.replaceAll('-', '');
  const seconds = Math.floor(timeOfOrderedId(requestId) / 1000)
    .toString(16)
    .padStart(8, '0');
  return `Root=1-${seconds}-${hex.slice(8, 32)};Parent=${hex.slice(16, 32)};Sampled=0`;
}
