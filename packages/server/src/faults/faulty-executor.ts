/**
 * Functions that fail on command, without a change to their code: an executor that, where a rule acts, answers in
 * place of the function with the outcome, the error and the log lines that AWS would have for it.
 */
import type { FaultRule } from '../domain/fault-rule.ts';
import type { FunctionSpec, Outcome, RunReport, RunRequest } from '../domain/invocation.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Executor, LogSink, RunOptions } from '../runtime/executor.ts';
import { exited, type Failure, timedOut } from '../runtime/failures.ts';
import {
  type Ending,
  formatEnd,
  formatInitReport,
  formatReport,
  formatStart,
  formatStreamName,
} from '../runtime/log-lines.ts';
import type { FaultRules } from './fault-rules.ts';
import { parseLazily } from './lazy-json.ts';

export interface FaultyExecutorDeps {
  readonly rules: FaultRules;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logSink: LogSink;
}

const DEFAULT_MESSAGE = 'injected by a fault rule';

/** An executor that behaves as the one given until a rule acts. */
export function createFaultyExecutor(executor: Executor, deps: FaultyExecutorDeps): Executor {
  const { rules } = deps;
  /** One stream per function and version, as an environment would have. */
  const streams = new Map<string, string>();

  async function suffer(request: RunRequest, options: RunOptions | undefined): Promise<Outcome> {
    const rule = rules.pick('function', {
      name: request.spec.name,
      requestId: request.requestId,
      payload: parseLazily(request.payload),
    });
    if (!rule) return executor.run(request, options);
    await rules.tell(request.requestId, rule);
    switch (rule.effect) {
      case 'throttle':
        return { kind: 'throttled', reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' };
      case 'systemError':
        return { kind: 'systemError', message: rule.errorMessage ?? DEFAULT_MESSAGE };
      case 'latency':
        return slowDown(rule, request, options);
      default:
        return answer(rule, request, options);
    }
  }

  /** What does not fit into the function's time is a timeout; a virtual clock does not move meanwhile. */
  async function slowDown(
    rule: FaultRule,
    request: RunRequest,
    options: RunOptions | undefined,
  ): Promise<Outcome> {
    const delayMs = rule.delayMs ?? 0;
    if (delayMs >= request.spec.timeoutMs) return answer(rule, request, options);
    await wait(delayMs, options?.signal);
    const outcome = await executor.run(request, options);
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'functionError') return outcome;
    const { report } = outcome;
    return {
      ...outcome,
      report: {
        ...report,
        durationMs: report.durationMs + delayMs,
        billedMs: report.billedMs + Math.ceil(delayMs),
        startedAt: deps.clock.virtual ? report.startedAt : report.startedAt - delayMs,
      },
    };
  }

  async function answer(
    rule: FaultRule,
    request: RunRequest,
    options: RunOptions | undefined,
  ): Promise<Outcome> {
    const { spec, requestId } = request;
    const startedAt = deps.clock.now();
    options?.onStart?.(startedAt);
    const { failure, ending, durationMs, memoryMb } = fail(rule, spec, requestId);
    await wait(durationMs, options?.signal);
    if (options?.signal?.aborted) return { kind: 'systemError', message: 'The run was given up.' };
    const endedAt = deps.clock.now();
    const report: RunReport = {
      durationMs,
      billedMs: Math.ceil(durationMs),
      maxMemoryMb: memoryMb,
      environmentId: `fault-${rule.id}`,
      logGroup: spec.logGroup,
      logStream: streamOf(spec),
      startedAt,
      endedAt,
    };
    const lines = writeLines(rule, request, report, failure, ending);
    const logTail = options?.logTail ? Buffer.from(lines.join('')).subarray(-4096) : undefined;
    return {
      kind: 'functionError',
      ...failure,
      executedVersion: spec.version,
      report: logTail ? { ...report, logTail } : report,
    };
  }

  function writeLines(
    rule: FaultRule,
    { spec, requestId }: RunRequest,
    report: RunReport,
    failure: Failure,
    ending: Ending,
  ): string[] {
    const { startedAt, endedAt, durationMs } = report;
    const lines: { at: number; text: string }[] = [];
    const add = (at: number, text: string | undefined) => {
      if (text !== undefined) lines.push({ at, text });
    };
    if (rule.effect === 'initFailure')
      add(startedAt, formatInitReport(startedAt, spec, 'init', durationMs, ending));
    add(startedAt, formatStart(startedAt, spec, requestId));
    if (ending.status === 'timeout') add(endedAt, `${failure.errorMessage.replace(' Error:', '')}\n`);
    else add(endedAt, `${new Date(endedAt).toISOString()}\t${requestId}\tERROR\t${failure.payload}\n`);
    add(endedAt, formatEnd(endedAt, spec, requestId, durationMs, ending));
    add(endedAt, formatReport(endedAt, spec, requestId, report, ending));
    deps.logSink.write(report.logGroup, report.logStream, lines, requestId);
    return lines.map(({ text }) => text);
  }

  function streamOf(spec: FunctionSpec): string {
    const key = `${spec.arn}:${spec.version}`;
    let stream = streams.get(key);
    if (stream === undefined) {
      stream = formatStreamName(deps.clock.now(), spec.version, deps.ids.uuid().replaceAll('-', ''));
      streams.set(key, stream);
    }
    return stream;
  }

  function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (deps.clock.virtual || delayMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = deps.clock.schedule(deps.clock.now() + delayMs, resolve);
      signal?.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });
  }

  return {
    run: (request, options) =>
      rules.has('function') ? suffer(request, options) : executor.run(request, options),
    capacity: (spec) => executor.capacity(spec),
    limit: (arn, max) => executor.limit(arn, max),
    concurrency: (arn) => executor.concurrency(arn),
    retire: (arn, keep) => executor.retire(arn, keep),
    stop: (drainMs) => executor.stop(drainMs),
    describe: () => executor.describe(),
  };
}

interface Suffering {
  readonly failure: Failure;
  readonly ending: Ending;
  readonly durationMs: number;
  readonly memoryMb: number;
}

/** Of a run that was not made: what a small function takes. */
const DURATION_MS = 1;
const MEMORY_MB = 64;

function fail(rule: FaultRule, spec: FunctionSpec, requestId: string): Suffering {
  const died = (failure: Failure, memoryMb = MEMORY_MB): Suffering => ({
    failure,
    ending: { status: 'error', errorType: failure.errorType },
    durationMs: DURATION_MS,
    memoryMb,
  });
  switch (rule.effect) {
    case 'timeout':
    case 'latency':
      return {
        failure: timedOut(requestId, spec.timeoutMs),
        ending: { status: 'timeout' },
        durationMs: spec.timeoutMs,
        memoryMb: MEMORY_MB,
      };
    case 'outOfMemory':
      return died(exited(requestId, { code: null, signal: 'SIGKILL' }), spec.memoryMb);
    case 'exit':
      return died(exited(requestId, { code: rule.exitCode ?? 1, signal: null }));
    case 'initFailure':
      return died(
        thrown(
          spec,
          requestId,
          rule.errorType ?? 'Runtime.ImportModuleError',
          rule.errorMessage ?? 'Error: Cannot find module',
        ),
      );
    default:
      return {
        failure: thrown(
          spec,
          requestId,
          rule.errorType ?? (isPython(spec) ? 'Exception' : 'Error'),
          rule.errorMessage ?? DEFAULT_MESSAGE,
        ),
        ending: { status: 'success' },
        durationMs: DURATION_MS,
        memoryMb: MEMORY_MB,
      };
  }
}

/** As the runtime of the function's language reports what its handler throws (observed). */
function thrown(spec: FunctionSpec, requestId: string, errorType: string, errorMessage: string): Failure {
  const payload = isPython(spec)
    ? { errorMessage, errorType, requestId, stackTrace: [] }
    : { errorType, errorMessage, trace: [`${errorType}: ${errorMessage}`] };
  return { errorType, errorMessage, payload: JSON.stringify(payload) };
}

function isPython({ runtime }: FunctionSpec): boolean {
  return runtime.startsWith('python');
}
