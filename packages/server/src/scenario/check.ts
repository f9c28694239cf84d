/** Expectations against a server: every one becomes a line with what was expected and what was found. */
import { formatDuration, parseDuration } from '../platform/duration.ts';
import type { EventStory } from '../testing/index.ts';
import type { Redrive } from '../testing/redrive.ts';
import { amountMatches, formatAmount, matches } from './match.ts';
import type { Amount, Expectations } from './scenario-schema.ts';

export interface Check {
  /** `event charge: fate` */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly passed: boolean;
}

/** What steps left behind, by label. */
export interface Remembered {
  /** Request ids. */
  readonly events: Map<string, string[]>;
  readonly results: Map<string, StepResult>;
}
export interface StepResult {
  readonly payload?: unknown;
  readonly functionError?: string;
  /** Name of the error that a call was refused with. */
  readonly refused?: string;
}

export async function checkAll(
  expect: Expectations,
  redrive: Redrive,
  remembered: Remembered,
): Promise<Check[]> {
  const checks: Check[] = [];
  const add = (what: string, expected: unknown, actual: unknown, passed = matches(expected, actual)) =>
    checks.push({ what, expected: show(expected), actual: show(actual), passed });
  const amount = (what: string, expected: Amount | undefined, actual: number | undefined) => {
    if (expected !== undefined)
      add(what, formatAmount(expected), actual ?? 'nothing', amountMatches(expected, actual));
  };

  for (const [label, expected] of Object.entries(expect.events ?? {})) {
    const ids = remembered.events.get(label) ?? [];
    if (ids.length === 0) add(`event ${label}`, 'accepted', 'never accepted', false);
    for (const [index, id] of ids.entries()) {
      const name = ids.length === 1 ? `event ${label}` : `event ${label} #${index + 1}`;
      checkEvent(name, expected, await redrive.event(id), add);
    }
  }
  for (const [label, expected] of Object.entries(expect.results ?? {})) {
    const result = remembered.results.get(label);
    const error = (result?.payload as { errorType?: string } | undefined)?.errorType;
    for (const [member, value] of Object.entries(expected)) {
      const actual = member === 'error' ? error : result?.[member as keyof StepResult];
      add(`result ${label}: ${member}`, value, actual);
    }
  }
  for (const [name, { visible, inFlight, delayed, messages }] of Object.entries(expect.queues ?? {})) {
    const view = await redrive.queue(name);
    amount(`queue ${name}: visible`, visible, view.visible);
    amount(`queue ${name}: in flight`, inFlight, view.inFlight);
    amount(`queue ${name}: delayed`, delayed, view.delayed);
    if (messages) {
      const actual = (await redrive.deadLetters(name)).sort((a, b) => a.sentAt - b.sentAt);
      add(`queue ${name}: messages`, messages.length, actual.length);
      for (const [index, message] of messages.entries()) {
        const found = actual[index];
        for (const [member, value] of Object.entries(message)) {
          add(`queue ${name}: message ${index + 1}: ${member}`, value, found?.[member as keyof typeof found]);
        }
      }
    }
  }
  for (const { is, ...metric } of expect.metrics ?? []) {
    const value = await redrive.metric(metric);
    const what = `metric ${metric.name}${formatDimensions(metric.dimensions)}: ${metric.stat ?? 'Sum'}`;
    if (is === 'missing') add(what, 'missing', value ?? 'missing');
    else amount(what, is, value);
  }
  for (const [name, state] of Object.entries(expect.alarms ?? {})) {
    add(`alarm ${name}`, state, (await redrive.alarm(name)) ?? 'no such alarm');
  }
  for (const { of, contains, times } of expect.logs ?? []) {
    const pattern = /^\/.*\/$/s.test(contains);
    const lines = await redrive.logs(of);
    const found = lines.filter(({ text }) => (pattern ? matches(contains, text) : text.includes(contains)));
    amount(`log of ${of}: lines with ${contains}`, times ?? { atLeast: 1 }, found.length);
  }
  if (expect.ledger) {
    const { accepted, pending, fates } = await redrive.ledger();
    const actual: Record<string, number> = { accepted, pending, ...fates };
    for (const [name, value] of Object.entries(expect.ledger)) amount(`ledger: ${name}`, value, actual[name]);
  }
  return checks;
}

/** True of every scenario, whether it says so or not. */
export async function checkBooks(redrive: Redrive): Promise<Check> {
  const { balanced } = await redrive.verify();
  return {
    what: 'the books',
    expected: 'balance',
    actual: balanced ? 'balance' : 'do not',
    passed: balanced,
  };
}

type Add = (what: string, expected: unknown, actual: unknown, passed?: boolean) => void;

function checkEvent(
  name: string,
  expected: NonNullable<Expectations['events']>[string],
  story: EventStory,
  add: Add,
): void {
  const { fate, attempts, timeline, acceptedAt } = story;
  const lines = (kind: string) => timeline.filter((entry) => entry.kind === kind);
  if (expected.fate !== undefined) add(`${name}: fate`, expected.fate, fate?.kind ?? 'pending');
  if (expected.reason !== undefined) add(`${name}: reason`, expected.reason, fate?.reason ?? 'none');
  if (expected.at !== undefined) {
    const at = fate ? fate.at - acceptedAt : undefined;
    add(`${name}: fate at`, expected.at, offset(at), at === parseDuration(expected.at));
  }
  if (typeof expected.attempts === 'number') add(`${name}: attempts`, expected.attempts, attempts.length);
  else if (expected.attempts) {
    add(`${name}: attempts`, expected.attempts.length, attempts.length);
    for (const [index, { at, outcome, error, message }] of expected.attempts.entries()) {
      const attempt = attempts[index];
      const what = `${name}: attempt ${index + 1}`;
      if (at !== undefined) {
        const began = attempt && attempt.startedAt - acceptedAt;
        add(`${what} at`, at, offset(began), began === parseDuration(at));
      }
      if (outcome !== undefined) add(`${what} outcome`, outcome, attempt?.outcome ?? 'none');
      if (error !== undefined) add(`${what} error`, error, attempt?.errorType ?? 'none');
      if (message !== undefined) add(`${what} message`, message, attempt?.errorMessage ?? 'none');
    }
  }
  if (expected.retries) {
    const actual = lines('retryScheduled').map(({ data }) => formatDuration(Number(data?.delayMs)));
    const wanted = expected.retries.map((text) => formatDuration(parseDuration(text) ?? Number.NaN));
    add(`${name}: retries after`, wanted.join(', '), actual.join(', '));
  }
  if (expected.throttles !== undefined)
    add(`${name}: throttles`, expected.throttles, lines('throttled').length);
  if (expected.faults !== undefined) add(`${name}: faults`, expected.faults, lines('fault').length);
  if (expected.refused !== undefined) {
    const codes = lines('deliveryFailed').map(({ data }) => String(data?.code));
    add(`${name}: delivery refused`, expected.refused, codes.join(', ') || 'no refusal');
  }
}

function offset(ms: number | undefined): string {
  return ms === undefined ? 'never' : formatDuration(ms);
}

function formatDimensions(dimensions: Readonly<Record<string, string>> | undefined): string {
  const parts = Object.entries(dimensions ?? {}).map(([name, value]) => `${name}=${value}`);
  return parts.length === 0 ? '' : ` {${parts.join(', ')}}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
