/**
 * What a scenario file may say. The schemas check files and are the source of `docs/scenario.schema.json`. A step is
 * a map whose verb says what it does.
 */
import { z } from 'zod';
import { Duration, FaultBody } from '../faults/fault-schema.ts';
import { AWS_SERVICES } from '../testing/aws-call.ts';

const Label = z.string().min(1).describe('name by which expectations speak of the result');
const Refused = z.string().describe('the error the call must be refused with');

/** A number, or its bounds. */
const Amount = z.union([
  z.number(),
  z.strictObject({ atLeast: z.number().optional(), atMost: z.number().optional() }),
]);
export type Amount = z.infer<typeof Amount>;

const AttemptExpectation = z.strictObject({
  at: Duration.optional().describe('after the event was accepted'),
  outcome: z.enum(['succeeded', 'functionError', 'gone']).optional(),
  error: z.string().optional().describe('error type'),
  message: z.string().optional().describe('error message; /regular expression/'),
});

const EventExpectation = z.strictObject({
  fate: z.enum(['Succeeded', 'DeadLettered', 'SentToDestination', 'Discarded', 'pending']).optional(),
  reason: z.string().optional().describe('condition: RetriesExhausted, EventAgeExceeded …'),
  at: Duration.optional().describe('when it got its fate, after it was accepted'),
  attempts: z
    .union([z.int().min(0), z.array(AttemptExpectation)])
    .optional()
    .describe('how many, or each of them'),
  throttles: z.int().min(0).optional(),
  retries: z.array(Duration).optional().describe('the delays it was rescheduled by'),
  faults: z.int().min(0).optional().describe('how often a fault acted on it'),
  refused: z.string().optional().describe('code with which a target refused the delivery'),
});

const MessageExpectation = z.strictObject({
  body: z.unknown().optional().describe('a text, /regular expression/, or part of its JSON'),
  attributes: z.record(z.string(), z.unknown()).optional(),
  receiveCount: z.int().optional(),
});

const QueueExpectation = z.strictObject({
  visible: Amount.optional(),
  inFlight: Amount.optional(),
  delayed: Amount.optional(),
  messages: z.array(MessageExpectation).optional().describe('all of them, oldest first'),
});

const MetricExpectation = z.strictObject({
  name: z.string(),
  namespace: z.string().optional().describe('AWS/Lambda when absent'),
  dimensions: z.record(z.string(), z.string()).optional(),
  stat: z.enum(['Sum', 'SampleCount', 'Average', 'Minimum', 'Maximum']).optional(),
  is: z.union([Amount, z.literal('missing')]),
});

const LogExpectation = z.strictObject({
  of: z.string().describe('function name, or log group starting with /'),
  contains: z.string().describe('a text, or /regular expression/'),
  times: Amount.optional().describe('lines; at least one when absent'),
});

const ResultExpectation = z.strictObject({
  functionError: z.string().optional(),
  error: z.string().optional().describe('error type the function reported'),
  refused: Refused.optional(),
  payload: z.unknown().optional(),
});

export const Expectations = z.strictObject({
  events: z.record(z.string(), EventExpectation).optional().describe('by label'),
  results: z.record(z.string(), ResultExpectation).optional().describe('by label'),
  queues: z.record(z.string(), QueueExpectation).optional().describe('by name'),
  metrics: z.array(MetricExpectation).optional(),
  alarms: z.record(z.string(), z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA'])).optional(),
  logs: z.array(LogExpectation).optional(),
  ledger: z
    .strictObject({
      accepted: Amount.optional(),
      pending: Amount.optional(),
      Succeeded: Amount.optional(),
      DeadLettered: Amount.optional(),
      SentToDestination: Amount.optional(),
      Discarded: Amount.optional(),
    })
    .optional(),
});
export type Expectations = z.infer<typeof Expectations>;

/** By verb. */
export const STEPS = {
  invoke: z.strictObject({
    invoke: z.string().describe('function'),
    payload: z.unknown().optional(),
    mode: z.enum(['event', 'request']).optional().describe('event when absent'),
    times: z.int().min(1).max(10_000).optional(),
    as: Label.optional(),
    refused: Refused.optional(),
    fault: z.string().optional().describe('around this request alone: effect=throttle; target=…'),
  }),
  send: z.strictObject({
    send: z.string().describe('queue'),
    body: z.unknown(),
    times: z.int().min(1).max(10_000).optional(),
    groupId: z.string().optional(),
    deduplicationId: z.string().optional(),
    as: Label.optional(),
    refused: Refused.optional(),
  }),
  publish: z.strictObject({
    publish: z.string().describe('topic'),
    message: z.unknown(),
    attributes: z.record(z.string(), z.string()).optional(),
    as: Label.optional(),
    refused: Refused.optional(),
  }),
  receive: z.strictObject({
    receive: z.string().describe('queue'),
    max: z.int().min(1).max(10).optional().describe('10 when absent'),
    delete: z.boolean().optional().describe('delete what was received'),
    as: Label.optional(),
  }),
  advance: z.strictObject({ advance: Duration }),
  fault: z.strictObject({ fault: FaultBody }),
  lift: z.strictObject({ lift: z.string().describe('id of a fault') }),
  kill: z.strictObject({ kill: z.literal('server').describe('SIGKILL, then a start on the same data') }),
  call: z.strictObject({
    call: z
      .string()
      .regex(new RegExp(`^(${AWS_SERVICES.join('|')}):[A-Za-z]+$`))
      .describe('any AWS operation: sqs:DeleteQueue'),
    input: z.record(z.string(), z.unknown()).optional(),
    as: Label.optional(),
    refused: Refused.optional(),
  }),
  setAlarm: z.strictObject({ setAlarm: z.string(), state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']) }),
  expect: z.strictObject({ expect: Expectations }),
} as const;
export type Verb = keyof typeof STEPS;
export type StepOf<V extends Verb> = z.infer<(typeof STEPS)[V]>;
export type Step = { [V in Verb]: { readonly verb: V; readonly step: StepOf<V> } }[Verb];

/** Everything but the steps, which are checked verb by verb. */
const shape = {
  name: z.string().optional().describe('the file’s name when absent'),
  description: z.string().optional().describe('what is proved, for the report'),
  template: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('SAM templates, relative to the file'),
  seed: z.int().min(0).optional().describe('1 when absent'),
  startAt: z.string().optional().describe('where the clock begins: 2026-01-01T00:00:00Z'),
  faults: z.array(FaultBody).optional().describe('set before the first step'),
  expect: Expectations.optional().describe('after the last step'),
};
export const ScenarioHead = z.strictObject({ ...shape, steps: z.array(z.unknown()) });
const Whole = z.strictObject({
  $schema: z.string().optional(),
  ...shape,
  steps: z.array(z.union(Object.values(STEPS) as unknown as readonly [z.ZodType, z.ZodType])),
});

/** For editors. */
export function scenarioJsonSchema(): object {
  return z.toJSONSchema(Whole, { io: 'input', unrepresentable: 'any' });
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** Absolute path; names the scenario in reports. */
  readonly file: string;
  /** Absolute paths. */
  readonly templates: readonly string[];
  readonly seed: number;
  readonly startAt?: string;
  readonly faults: readonly FaultBody[];
  readonly steps: readonly Step[];
  readonly expect: Expectations;
}
