/**
 * Which failures are the same: error type, message without what differs from case to case, and the top frames of
 * the function's own code. Line numbers do not count, so a new version of the code keeps the groups together.
 */
import { hash } from 'node:crypto';
import type { JsonObject } from '../store/store.ts';

/** What is known of why something failed. */
export interface FailureFacts {
  /** `TypeError`, `Sandbox.Timedout`; absent where nobody said. */
  readonly type?: string;
  readonly message: string;
  /** Lines of the stack, the innermost call first. */
  readonly trace?: readonly string[];
}

export interface Fingerprint {
  /** Twelve hex digits. */
  readonly id: string;
  readonly type: string;
  /** With `#`, `<id>` and `<time>` in place of what differs. */
  readonly message: string;
  /** Own code only, innermost first: `handler (index.mjs)`. */
  readonly frames: readonly string[];
}

/** The private state of a dead letter that was made here (`Message.state.failure`): why it is one. */
export interface FailureSummary extends JsonObject {
  fingerprint: string;
  type: string;
  message: string;
  frames: string[];
  functionName: string;
  /** Qualified as the caller named it. */
  functionArn: string;
  /** The version that ran last; absent when none ran. */
  version?: string;
  condition: string;
  attempts: number;
}

/** No failure is known: the message was received too often, or somebody sent it by hand. */
export const UNKNOWN_TYPE = 'Unknown';

export function fingerprintOf(failure: FailureFacts): Fingerprint {
  const type = failure.type || UNKNOWN_TYPE;
  const message = normalizeMessage(failure.message);
  const frames = ownFrames(failure.trace ?? []);
  const id = hash('sha256', [type, message, ...frames].join('\n'), 'hex').slice(0, 12);
  return { id, type, message, frames };
}

/** Longest message that tells groups apart, characters. */
const MAX_MESSAGE = 300;
/** Looked at: what differs beyond that is not normalised away any more, so it is cut off before. */
const MAX_LOOKED_AT = 2_000;
const DIGITS = /\d/;

/** A message without ids, instants, addresses and numbers. Quoted words stay: they name fields and files. */
export function normalizeMessage(message: string): string {
  const firstLine = message.trimStart().slice(0, MAX_LOOKED_AT).split('\n', 1)[0] as string;
  if (!DIGITS.test(firstLine) && firstLine.length <= MAX_MESSAGE) return firstLine.trimEnd();
  return firstLine
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>')
    .replace(/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?/g, '<time>')
    .replace(/\b(?=[A-Za-z_-]*\d)(?=\d*[A-Za-z_-])[\w-]{20,}/g, '<id>')
    .replace(/\b(?=[a-f]*\d)(?=(?:0x)?\d*[a-f])(?:0x)?[0-9a-f]{8,}\b/gi, '<id>')
    .replace(/\d+(?:[.,:]\d+)*/g, '#')
    .slice(0, MAX_MESSAGE)
    .trimEnd();
}

const MAX_FRAMES = 3;
/** Code that is not the function's own: libraries, layers, the runtime itself. */
const FOREIGN =
  /node_modules[\\/]|node:|\bnative\b|<anonymous>|<frozen |site-packages|dist-packages|\/(?:opt|var\/runtime|var\/lang|usr\/lib)\//;

function ownFrames(trace: readonly string[]): string[] {
  const frames: string[] = [];
  for (const line of trace) {
    const frame = FOREIGN.test(line) ? undefined : readFrame(line);
    if (frame === undefined) continue;
    frames.push(frame);
    if (frames.length === MAX_FRAMES) break;
  }
  return frames;
}

/** `at fn (file:1:2)`, `at file:1:2` (JavaScript); `File "file", line 1, in fn` (Python). */
function readFrame(line: string): string | undefined {
  const js = /^\s*at (?:async )?(?:(.+?) \()?(?:file:\/\/)?([^()\s]+?):\d+(?::\d+)?\)?$/.exec(line);
  if (js) return formatFrame(js[1], js[2] as string);
  const python = /File "([^"]+)", line \d+, in (\S+)/.exec(line);
  return python ? formatFrame(python[2], python[1] as string) : undefined;
}

function formatFrame(name: string | undefined, file: string): string {
  // Where the code lies differs from version to version; what is below that folder does not.
  const path = file.replace(/^.*\/var\/task\//, '').replace(/^.*\/[0-9a-f]{32,}\//, '');
  return name ? `${name} (${path})` : path;
}

/** What an error payload tells (`{errorType, errorMessage, trace | stackTrace}`), as every runtime writes it. */
export function readErrorPayload(text: string): FailureFacts | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // A custom runtime may answer anything.
    return undefined;
  }
  return readErrorValue(parsed);
}

export function readErrorValue(value: unknown): FailureFacts | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { errorType, errorMessage, trace, stackTrace } = value as Record<string, unknown>;
  if (typeof errorType !== 'string' && typeof errorMessage !== 'string') return undefined;
  // Python's `stackTrace` has the innermost call last.
  const lines = Array.isArray(trace) ? trace : Array.isArray(stackTrace) ? stackTrace.toReversed() : [];
  return {
    type: typeof errorType === 'string' ? errorType : undefined,
    message: typeof errorMessage === 'string' ? errorMessage : '',
    trace: lines.filter((line): line is string => typeof line === 'string'),
  };
}
