/**
 * One attempt: admit, execute, decide, commit. Whatever an attempt leads to is one commit, and a conflict
 * means that somebody else holds the event by now: then nothing of it happens here.
 */

import {
  type AsyncRetryPolicy,
  type Condition,
  DEFAULT_RETRY_POLICY,
  type Decision,
  decideNext,
  isTooOld,
} from '../domain/async-retry.ts';
import type { Outcome } from '../domain/invocation.ts';
import { outcomeOfEntry } from '../domain/journal.ts';
import { readDeparted } from '../domain/lambda-departed.ts';
import type { EventInvokeConfigRecord } from '../domain/lambda-function.ts';
import { type ResolvedTarget, resolveTarget } from '../domain/lambda-resolve.ts';
import {
  type HeldEvent,
  planTransition,
  retryStateOf,
  type Targets,
  type Transition,
} from '../domain/lifecycle.ts';
import { extendLineage, isRecursive } from '../domain/lineage.ts';
import { traceHeaderOf } from '../domain/trace-header.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { pause } from '../platform/pause.ts';
import type { Random } from '../platform/random.ts';
import type { Executor } from '../runtime/executor.ts';
import { type CommitResult, type Store, StoreUnavailable, type Unit } from '../store/store.ts';
import type { PlanDelivery } from './targets.ts';

export type Admission =
  | { readonly kind: 'run'; readonly target: ResolvedTarget }
  | {
      readonly kind: 'end';
      readonly condition: Condition;
      readonly policy: AsyncRetryPolicy;
      readonly targets: Targets;
    }
  | {
      readonly kind: 'gone';
      readonly message: string;
      readonly policy: AsyncRetryPolicy;
      readonly targets: Targets;
    };

/** Wait before a refused commit is tried again; real time, for it is the disk that has to recover. */
const STORE_RETRY_MS = 500;
/** A run that takes longer gets a line in the journal while it is under way. */
const LONG_RUN_MS = 1_000;

export class Invoker {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #executor: Executor;
  readonly #planDelivery: PlanDelivery;
  readonly #onTransition: (functionName: string, transition: Transition) => void;
  #closing = false;

  constructor(options: {
    store: Store;
    clock: Clock;
    random: Random;
    log: Log;
    executor: Executor;
    planDelivery: PlanDelivery;
    /** Told after each commit, for metrics. */
    onTransition?: (functionName: string, transition: Transition) => void;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
    this.#executor = options.executor;
    this.#planDelivery = options.planDelivery;
    this.#onTransition = options.onTransition ?? (() => undefined);
  }

  /** What is to be done with an event now, by today's configuration. */
  admit(functionName: string, event: HeldEvent, now: number): Admission {
    const resources = this.#store.resources;
    const target = resolveTarget(resources, functionName, event.state.q, this.#random);
    if (target.kind === 'notFound') {
      const departed = readDeparted(resources, functionName, event.state.q);
      return {
        kind: 'gone',
        message: `Function not found: ${event.state.arn}`,
        policy: policyOf(departed.eventInvokeConfig),
        targets: targetsOf(departed.eventInvokeConfig, departed.deadLetterArn),
      };
    }
    const policy = policyOf(target.eventInvokeConfig);
    if (isTooOld(policy, event.acceptedAt, now)) {
      return { kind: 'end', condition: 'EventAgeExceeded', policy, targets: targetsOfResolved(target) };
    }
    if (target.reservedConcurrency === 0) {
      return {
        kind: 'end',
        condition: 'ZeroReservedConcurrency',
        policy,
        targets: targetsOfResolved(target),
      };
    }
    if (isRecursive(event.state.trace, target.spec.arn, target.recursiveLoop)) {
      return { kind: 'end', condition: 'RecursiveInvocation', policy, targets: targetsOfResolved(target) };
    }
    return { kind: 'run', target };
  }

  /** Runs or ends an admitted event and commits what follows. */
  async carryOut(event: HeldEvent, admission: Admission): Promise<void> {
    switch (admission.kind) {
      case 'run': {
        const outcome = await this.#run(event, admission.target);
        const policy = policyOf(admission.target.eventInvokeConfig);
        return this.#conclude(event, policy, targetsOfResolved(admission.target), outcome);
      }
      case 'gone':
        return this.#conclude(event, admission.policy, admission.targets, {
          kind: 'gone',
          message: admission.message,
        });
      case 'end': {
        const decision: Decision = {
          kind: 'giveUp',
          condition: admission.condition,
          state: retryStateOf(event.state),
        };
        return this.#commit(
          event,
          decision,
          admission.targets,
          await this.#lastOutcome(event, admission.condition),
          true,
        );
      }
    }
  }

  /** No slot: the event backs off without using up a retry. */
  throttle(functionName: string, event: HeldEvent, reason: string): Promise<void> {
    const target = resolveTarget(this.#store.resources, functionName, event.state.q, this.#random);
    const found = target.kind === 'target' ? target : undefined;
    return this.#conclude(event, policyOf(found?.eventInvokeConfig), found ? targetsOfResolved(found) : {}, {
      kind: 'throttled',
      reason,
    });
  }

  /** Puts an event that was not started back, due at once. */
  async giveBack(event: HeldEvent, now: number): Promise<void> {
    await this.#store.commit([
      {
        kind: 'reschedule',
        receipt: event.receipt,
        dueAt: now,
        state: { ...event.state, r: (event.state.r ?? 0) + 1 },
        release: true,
      },
    ]);
  }

  async #run(event: HeldEvent, target: ResolvedTarget): Promise<Outcome> {
    const startedAt = this.#clock.now();
    const marker = this.#clock.schedule(startedAt + LONG_RUN_MS, () => this.#markLongRun(event, startedAt));
    try {
      return await this.#executor.run({
        requestId: event.requestId,
        spec: target.spec,
        invokedFunctionArn: target.invokedFunctionArn,
        payload: event.payload,
        traceHeader: extendLineage(event.state.trace ?? traceHeaderOf(event.requestId), target.spec.arn),
      });
    } finally {
      marker.cancel();
    }
  }

  #markLongRun(event: HeldEvent, startedAt: number): void {
    const number = (event.state.n ?? 0) + 1;
    void this.#store
      .commit([
        {
          kind: 'append',
          subject: event.requestId,
          entries: [{ at: startedAt, kind: 'attemptStarted', data: { number } }],
        },
      ])
      .catch((error: unknown) =>
        this.#log.warn({ err: error, requestId: event.requestId }, 'journal line lost'),
      );
  }

  #conclude(event: HeldEvent, policy: AsyncRetryPolicy, targets: Targets, outcome: Outcome): Promise<void> {
    const state = retryStateOf(event.state);
    const decision = decideNext(
      policy,
      state,
      outcome,
      event.acceptedAt,
      this.#clock.now(),
      policy.backoff ? this.#random.next() : 0,
    );
    return this.#commit(event, decision, targets, outcome);
  }

  async #commit(
    event: HeldEvent,
    decision: Decision,
    targets: Targets,
    outcome: Outcome | undefined,
    earlier = false,
  ): Promise<void> {
    const transition = planTransition({
      event,
      decision,
      outcome,
      earlier,
      targets,
      now: this.#clock.now(),
      deliver: this.#planDelivery,
    });
    const result = await this.#commitPatiently(transition.unit, event.requestId);
    if (result.kind === 'conflict') {
      this.#log.warn(
        { requestId: event.requestId, reason: result.reason },
        'another holder has this event by now; this outcome is not recorded',
      );
      return;
    }
    for (const refusal of transition.refused) {
      this.#log.warn({ requestId: event.requestId, ...refusal }, 'delivery refused');
    }
    this.#onTransition(event.requestId, transition);
  }

  /** What a run produced must not be lost to a full disk: the event stays held and the commit is tried again. */
  async #commitPatiently(unit: Unit, requestId: string): Promise<CommitResult> {
    for (;;) {
      try {
        return await this.#store.commit(unit);
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || this.#closing) throw error;
        this.#log.error({ err: error, requestId }, 'the store takes no commits; trying again');
        await pause(STORE_RETRY_MS);
      }
    }
  }

  /** Commits that fail from now on are not tried again: the events come back at the next start. */
  close(): void {
    this.#closing = true;
  }

  /** An event that grew too old between runs is reported with what its last run produced. */
  async #lastOutcome(event: HeldEvent, condition: Condition): Promise<Outcome | undefined> {
    if (condition !== 'EventAgeExceeded') return undefined;
    if (event.state.t) return { kind: 'throttled', reason: 'EventAgeExceeded' };
    if (!event.state.n) return undefined;
    const journal = await this.#store.readSubject(event.requestId);
    const last = journal?.entries.findLast((entry) => entry.kind === 'attempt');
    return last && outcomeOfEntry(last);
  }
}

function policyOf(config: EventInvokeConfigRecord | undefined): AsyncRetryPolicy {
  if (!config) return DEFAULT_RETRY_POLICY;
  return {
    maximumRetryAttempts: config.maximumRetryAttempts ?? DEFAULT_RETRY_POLICY.maximumRetryAttempts,
    maximumEventAgeMs:
      config.maximumEventAgeSeconds === undefined
        ? DEFAULT_RETRY_POLICY.maximumEventAgeMs
        : config.maximumEventAgeSeconds * 1000,
  };
}

function targetsOfResolved(target: ResolvedTarget): Targets {
  return targetsOf(target.eventInvokeConfig, target.deadLetterArn);
}

function targetsOf(config: EventInvokeConfigRecord | undefined, deadLetter: string | undefined): Targets {
  return { onSuccess: config?.onSuccess, onFailure: config?.onFailure, deadLetter };
}
