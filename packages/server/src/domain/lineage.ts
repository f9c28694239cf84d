/**
 * Loops of functions that call each other through queues and topics: every run adds itself to the trace header,
 * and what it sends carries that header on. A function that meets its own name for the seventeenth time in
 * one chain is not run again.
 * Source: AWS "Use Lambda recursive loop detection"; form of the member observed:
 * `Lineage=<turns>:<8 hex of the function>:<turns − 1>`, one per function, joined by commas.
 */
import { hash } from 'node:crypto';

/** Observed: sixteen runs, the next is dropped. */
export const MAX_TURNS = 16;

/** AWS API reference, RecursiveInvocationException. */
export const RECURSION_MESSAGE =
  "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation.";

const HASH_LENGTH = 8;
/** Functions of a chain that are remembered; the oldest are forgotten, so that the header stays small. */
const MAX_FUNCTIONS = 8;

interface Turn {
  readonly turns: number;
  readonly id: string;
}

function readLineage(traceHeader: string | undefined): Turn[] {
  const text = /(?:^|;)Lineage=([^;]*)/.exec(traceHeader ?? '')?.[1];
  if (!text) return [];
  return text
    .split(',')
    .map((entry) => /^(\d{1,5}):([0-9a-f]{8}):\d{1,5}$/.exec(entry))
    .filter((match) => match !== null)
    .map((match) => ({ turns: Number(match[1]), id: match[2] as string }));
}

/** Hashes by ARN: the same few functions run all the time. */
const ids = new Map<string, string>();
const MAX_IDS = 10_000;

function idOf(functionArn: string): string {
  let id = ids.get(functionArn);
  if (id === undefined) {
    if (ids.size >= MAX_IDS) ids.clear();
    id = hash('sha256', functionArn, 'hex').slice(0, HASH_LENGTH);
    ids.set(functionArn, id);
  }
  return id;
}

/** How often the function was run already in the chain that led here. */
export function countTurns(traceHeader: string | undefined, functionArn: string): number {
  if (traceHeader === undefined || !traceHeader.includes('Lineage=')) return 0;
  const id = idOf(functionArn);
  return readLineage(traceHeader).find((turn) => turn.id === id)?.turns ?? 0;
}

/** The header a run of the function sees and hands on. */
export function extendLineage(traceHeader: string, functionArn: string): string {
  const id = idOf(functionArn);
  const known = readLineage(traceHeader);
  const turns = (known.find((turn) => turn.id === id)?.turns ?? 0) + 1;
  const lineage = [...known.filter((turn) => turn.id !== id), { turns, id }]
    .slice(-MAX_FUNCTIONS)
    .map((turn) => `${turn.turns}:${turn.id}:${turn.turns - 1}`)
    .join(',');
  const rest = traceHeader
    .split(';')
    .filter((part) => part !== '' && !part.startsWith('Lineage='))
    .join(';');
  return `${rest};Lineage=${lineage}`;
}

/** Whether a run would be one turn too many. */
export function isRecursive(
  traceHeader: string | undefined,
  functionArn: string,
  recursiveLoop: 'Terminate' | 'Allow',
): boolean {
  return recursiveLoop === 'Terminate' && countTurns(traceHeader, functionArn) >= MAX_TURNS;
}
