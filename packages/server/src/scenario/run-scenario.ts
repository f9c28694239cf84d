/** One scenario from start to verdict: a server of its own, the steps in order, then the expectations. */
import { parseDuration } from '../platform/duration.ts';
import type { AwsService } from '../testing/aws-call.ts';
import { Redrive } from '../testing/redrive.ts';
import { type Check, checkAll, checkBooks, type Remembered, type StepResult } from './check.ts';
import type { Scenario, Step } from './scenario-schema.ts';
import { formatStories, offset } from './timeline.ts';

export interface Run {
  readonly scenario: Scenario;
  readonly passed: boolean;
  readonly checks: readonly Check[];
  /** Why the run broke off. */
  readonly error?: string;
  /** Steps and stories; the same for the same seed. */
  readonly timeline: readonly string[];
  readonly tookMs: number;
  /** Left behind by a run that failed: `redrive start --clock virtual --data …` opens it. */
  readonly dataDir?: string;
}

export interface RunOptions {
  /** Where data folders are made. */
  readonly tempDir?: string;
  /** In place of the scenario's own. */
  readonly seed?: number;
}

/** Never rejects: what goes wrong is part of the result. */
export async function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<Run> {
  const began = performance.now();
  const checks: Check[] = [];
  const timeline: string[] = [];
  let error: string | undefined;
  let redrive: Redrive | undefined;
  try {
    redrive = await Redrive.start({
      template: scenario.templates,
      seed: options.seed ?? scenario.seed,
      startAt: scenario.startAt,
      ownProcess: needsProcess(scenario),
      tempDir: options.tempDir,
    });
    const remembered: Remembered = { events: new Map(), results: new Map() };
    const startedAt = await redrive.now();
    for (const rule of scenario.faults) {
      const id = await redrive.fault(rule);
      timeline.push(`+0s fault ${id}: ${rule.target} ${rule.effect}`);
    }
    for (const [index, step] of scenario.steps.entries()) {
      try {
        timeline.push(`${offset(startedAt, await redrive.now())} ${describeStep(step)}`);
        await runStep(step, redrive, remembered, checks);
      } catch (cause) {
        throw new Error(`step ${index + 1} (${describeStep(step)}): ${(cause as Error).message}`, { cause });
      }
    }
    await redrive.settle();
    checks.push(...(await checkAll(scenario.expect, redrive, remembered)), await checkBooks(redrive));
    timeline.push(...formatStories(await redrive.events(), startedAt));
  } catch (cause) {
    error = (cause as Error).message;
  }
  const passed = error === undefined && checks.every((check) => check.passed);
  if (!passed) redrive?.keepData();
  try {
    await redrive?.stop();
  } catch (cause) {
    error ??= `the server did not stop: ${(cause as Error).message}`;
  }
  return {
    scenario,
    passed: passed && error === undefined,
    checks,
    error,
    timeline,
    tookMs: performance.now() - began,
    dataDir: passed ? undefined : redrive?.dataDir,
  };
}

/** Only a process can be killed. */
function needsProcess({ faults, steps }: Scenario): boolean {
  return (
    faults.some(({ target }) => target === 'process') ||
    steps.some(({ verb, step }) => verb === 'kill' || (verb === 'fault' && step.fault.target === 'process'))
  );
}

function describeStep({ verb, step }: Step): string {
  switch (verb) {
    case 'invoke':
      return `invoke ${step.invoke}${step.times === undefined ? '' : ` ${step.times} times`}`;
    case 'fault':
      return `fault ${step.fault.target} ${step.fault.effect}`;
    case 'expect':
      return 'expect';
    default:
      return `${verb} ${String(step[verb as keyof typeof step])}`;
  }
}

async function runStep(
  { verb, step }: Step,
  redrive: Redrive,
  remembered: Remembered,
  checks: Check[],
): Promise<void> {
  const remember = async (
    label: string | undefined,
    refused: string | undefined,
    call: () => Promise<StepResult>,
  ) => {
    const result = await call().catch((error: Error): StepResult => {
      if (refused === undefined && label === undefined) throw error;
      return { refused: error.name };
    });
    if (label !== undefined) remembered.results.set(label, result);
    if (refused !== undefined) {
      const actual = result.refused ?? 'not refused';
      checks.push({
        what: `${verb}: refused`,
        expected: refused,
        actual,
        passed: actual === refused,
      });
    }
  };
  switch (verb) {
    case 'invoke': {
      const label = step.as ?? step.invoke;
      for (let n = 0; n < (step.times ?? 1); n++) {
        if (step.mode === 'request') {
          await remember(label, step.refused, () => request(redrive, step.invoke, step.payload, step.fault));
          continue;
        }
        await remember(step.refused === undefined ? undefined : label, step.refused, async () => {
          const id = await accept(redrive, step.invoke, step.payload, step.fault);
          remembered.events.set(label, [...(remembered.events.get(label) ?? []), id]);
          return {};
        });
      }
      return;
    }
    case 'send': {
      const { groupId, deduplicationId } = step;
      for (let n = 0; n < (step.times ?? 1); n++) {
        await remember(step.as, step.refused, async () => ({
          payload: await redrive.send(step.send, step.body, {
            MessageGroupId: groupId,
            MessageDeduplicationId: deduplicationId,
          }),
        }));
      }
      return;
    }
    case 'publish': {
      const MessageAttributes = Object.fromEntries(
        Object.entries(step.attributes ?? {}).map(([name, StringValue]) => [
          name,
          { DataType: 'String', StringValue },
        ]),
      );
      return remember(step.as, step.refused, async () => ({
        payload: await redrive.publish(step.publish, step.message, { MessageAttributes }),
      }));
    }
    case 'receive':
      return remember(step.as ?? step.receive, undefined, async () => ({
        payload: await receive(redrive, step.receive, step.max ?? 10, step.delete === true),
      }));
    case 'advance':
      await redrive.advance(parseDuration(step.advance) as number);
      return;
    case 'fault':
      await redrive.fault(step.fault);
      return;
    case 'lift':
      return redrive.lift(step.lift);
    case 'kill':
      return redrive.kill();
    case 'call': {
      const [service, operation] = step.call.split(':') as [AwsService, string];
      return remember(step.as, step.refused, async () => {
        const { $metadata, ...payload } = await redrive.call(
          service,
          operation,
          atHome(step.input ?? {}, redrive),
        );
        return { payload };
      });
    }
    case 'setAlarm':
      await redrive.call('cloudwatch', 'SetAlarmState', {
        AlarmName: step.setAlarm,
        StateValue: step.state,
        StateReason: 'set by a scenario',
      });
      await redrive.settle();
      return;
    case 'expect':
      await redrive.settle();
      checks.push(...(await checkAll(step.expect, redrive, remembered)));
  }
}

/** A queue's URL depends on the port: files say `queue:NAME`. */
function atHome(input: Readonly<Record<string, unknown>>, redrive: Redrive): Record<string, unknown> {
  const { QueueUrl } = input;
  return typeof QueueUrl === 'string' && !QueueUrl.includes('/')
    ? { ...input, QueueUrl: redrive.queueUrl(QueueUrl.replace(/^queue:/, '')) }
    : { ...input };
}

async function accept(redrive: Redrive, name: string, payload: unknown, fault?: string): Promise<string> {
  if (fault === undefined) return redrive.invoke(name, payload);
  const response = await invokeWithFault(redrive, name, payload, 'Event', fault);
  return response.headers.get('x-amzn-requestid') ?? '';
}

async function request(
  redrive: Redrive,
  name: string,
  payload: unknown,
  fault?: string,
): Promise<StepResult> {
  if (fault === undefined) return redrive.request(name, payload);
  const response = await invokeWithFault(redrive, name, payload, 'RequestResponse', fault);
  return {
    payload: (await response.json()) as unknown,
    functionError: response.headers.get('x-amz-function-error') ?? undefined,
  };
}

/** The SDK adds no headers of ours. */
async function invokeWithFault(
  redrive: Redrive,
  name: string,
  payload: unknown,
  type: string,
  fault: string,
): Promise<Response> {
  const response = await fetch(`${redrive.endpoint}/2015-03-31/functions/${name}/invocations`, {
    method: 'POST',
    headers: { 'x-amz-invocation-type': type, 'x-redrive-fault': fault },
    body: JSON.stringify(payload ?? {}),
  });
  if (response.ok) return response;
  const code = response.headers.get('x-amzn-errortype') ?? `HTTP ${response.status}`;
  throw Object.assign(new Error(await response.text()), { name: code.split(':', 1)[0] });
}

async function receive(redrive: Redrive, queue: string, max: number, remove: boolean): Promise<unknown> {
  const QueueUrl = redrive.queueUrl(queue);
  const { Messages = [] } = (await redrive.call('sqs', 'ReceiveMessage', {
    QueueUrl,
    MaxNumberOfMessages: max,
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  })) as { Messages?: { ReceiptHandle: string }[] };
  if (remove) {
    for (const { ReceiptHandle } of Messages) {
      await redrive.call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle });
    }
  }
  return Messages;
}
