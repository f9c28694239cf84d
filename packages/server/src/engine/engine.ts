/**
 * The engine seen from the services: accept an event for later, or run one now.
 * It owns the loop that brings accepted events to their fate.
 */

import type { Outcome } from '../domain/invocation.ts';
import {
  type ConcurrencyRecord,
  LAMBDA_COLLECTIONS,
  readFunction,
  readReservedConcurrency,
} from '../domain/lambda-function.ts';
import { resolveTarget, toFunctionSpec } from '../domain/lambda-resolve.ts';
import {
  type AcceptedEvent,
  type EventState,
  type HeldEvent,
  planAccept,
  type Transition,
} from '../domain/lifecycle.ts';
import { extendLineage } from '../domain/lineage.ts';
import { traceHeaderOf } from '../domain/trace-header.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Executor } from '../runtime/executor.ts';
import type { Store } from '../store/store.ts';
import { Dispatcher, type DispatcherLimits, HOLD_MS } from './dispatcher.ts';
import { Invoker } from './invoker.ts';
import { Slots } from './slots.ts';
import { createPlanDelivery, type PlanDelivery } from './targets.ts';

export interface AcceptInput {
  /** Time-ordered; answered to the caller and seen by every attempt. */
  readonly requestId: string;
  readonly functionName: string;
  readonly qualifier?: string;
  /** Always qualified (`ResolvedTarget.qualifiedArn`). */
  readonly functionArn: string;
  /** Valid JSON text. */
  readonly payload: string;
  readonly source: string;
  readonly causedBy?: string;
  readonly traceHeader?: string;
}

export interface InvokeInput {
  readonly requestId: string;
  readonly functionName: string;
  readonly qualifier?: string;
  readonly payload: string;
  /** JSON text. */
  readonly clientContext?: string;
  readonly traceHeader?: string;
  readonly logTail: boolean;
  readonly signal?: AbortSignal;
}

/** A run at once; `gone` when there is no such function, version or alias. */
export type InvokeResult = Outcome;

export interface InvocationEngine {
  /** Durably accepts an event: resolves once it is on disk, rejects with StoreUnavailable when it is not. */
  accept(input: AcceptInput): Promise<void>;
  invoke(input: InvokeInput): Promise<InvokeResult>;
}

/** AWS: default concurrent executions per account and region. */
export const DEFAULT_ACCOUNT_CONCURRENCY = 1_000;

export interface EngineOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  readonly executor: Executor;
  readonly accountConcurrency?: number;
  readonly limits?: DispatcherLimits;
  /** What this node may use of so many slots of a pool; all of them when absent. */
  readonly share?: (pool: string, total: number) => number;
  /** Comes between the end of an event and its targets. */
  readonly wrapDeliveries?: (plan: PlanDelivery) => PlanDelivery;
  readonly onTransition?: (requestId: string, transition: Transition) => void;
  /** Told of every synchronous run, and of those that found no slot; asynchronous ones measure themselves. */
  readonly onRun?: (functionArn: string, outcome: Outcome) => void;
}

export class Engine implements InvocationEngine {
  readonly #options: EngineOptions;
  readonly #dispatcher: Dispatcher;
  readonly #invoker: Invoker;
  readonly slots: Slots;
  /** By name; outlives the record, for the environments that are left when it goes. */
  readonly #arns = new Map<string, string>();
  #reservedTotal: number | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(options: EngineOptions) {
    const { store, clock, random, log, executor, activity } = options;
    this.#options = options;
    this.slots = new Slots(
      options.accountConcurrency ?? DEFAULT_ACCOUNT_CONCURRENCY,
      () => this.#readReservedTotal(),
      options.share,
    );
    this.#invoker = new Invoker({
      store,
      clock,
      random,
      log,
      executor,
      planDelivery: (options.wrapDeliveries ?? ((plan) => plan))(
        createPlanDelivery({ resources: store.resources, clock, ids: options.ids, random }),
      ),
      onTransition: options.onTransition,
    });
    this.#dispatcher = new Dispatcher({
      store,
      clock,
      activity,
      log,
      invoker: this.#invoker,
      executor,
      slots: this.slots,
      isElsewhere: (name) => this.slots.isElsewhere(name, readReservedConcurrency(store.resources, name)),
      limits: options.limits,
      holder: options.ids.uuid(),
    });
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#options.store.resources.onChange((collection, key) => {
      if (collection === LAMBDA_COLLECTIONS.concurrency) {
        this.#reservedTotal = undefined;
        this.#applyReservation(key);
        this.#dispatcher.wakeAll();
      } else if (collection === LAMBDA_COLLECTIONS.functions) {
        this.#followFunction(key);
      }
    });
    for (const { key } of this.#options.store.resources.list(LAMBDA_COLLECTIONS.functions)) {
      this.#followFunction(key);
      this.#applyReservation(key);
    }
    await this.#dispatcher.start();
  }

  /** Accepts no more runs, waits for those under way. */
  async stop(): Promise<void> {
    this.#invoker.close();
    this.#unsubscribe();
    await this.#dispatcher.stop();
  }

  async accept(input: AcceptInput): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const direct = this.#dispatcher.reserve(input.functionName, input.payload.length);
    const lease = direct ? { leaseMs: HOLD_MS, holder: this.#dispatcher.holder } : undefined;
    const event: AcceptedEvent = input;
    const unit = planAccept(event, now, lease);
    let result: Awaited<ReturnType<Store['commit']>>;
    try {
      result = await store.commit(unit);
    } catch (error) {
      if (direct) this.#dispatcher.cancel(input.functionName, input.payload.length);
      throw error;
    }
    if (result.kind === 'conflict') {
      if (direct) this.#dispatcher.cancel(input.functionName, input.payload.length);
      throw new Error(`event ${input.requestId} could not be accepted: ${result.reason}`);
    }
    if (!direct) return;
    const sent = result.sent[0];
    if (!sent) throw new Error('the store returned no receipt for a held message');
    const state: EventState = { arn: input.functionArn };
    if (input.qualifier !== undefined) state.q = input.qualifier;
    if (input.traceHeader !== undefined) state.trace = input.traceHeader;
    const held: HeldEvent = {
      receipt: sent.receipt,
      requestId: input.requestId,
      payload: input.payload,
      acceptedAt: now,
      state,
      heldUntil: now + HOLD_MS,
      redelivered: false,
    };
    this.#dispatcher.offer(input.functionName, held);
  }

  async invoke(input: InvokeInput): Promise<InvokeResult> {
    const { store, random, executor, activity } = this.#options;
    const target = resolveTarget(store.resources, input.functionName, input.qualifier, random);
    if (target.kind === 'notFound') {
      return { kind: 'gone', message: `Function not found: ${target.name}:${target.qualifier}` };
    }
    const refusal = this.slots.tryAcquire(target.spec.name, target.reservedConcurrency);
    if (refusal !== undefined) {
      const throttled: Outcome = { kind: 'throttled', reason: refusal };
      this.#options.onRun?.(target.qualifiedArn, throttled);
      return throttled;
    }
    try {
      const outcome = await activity.track(
        executor.run(
          {
            requestId: input.requestId,
            spec: target.spec,
            invokedFunctionArn: target.invokedFunctionArn,
            payload: input.payload,
            clientContext: input.clientContext,
            traceHeader: extendLineage(input.traceHeader ?? traceHeaderOf(input.requestId), target.spec.arn),
          },
          { logTail: input.logTail, signal: input.signal, urgent: true },
        ),
      );
      this.#options.onRun?.(target.qualifiedArn, outcome);
      return outcome;
    } finally {
      this.slots.release(target.spec.name);
      this.#dispatcher.wake(target.spec.name);
    }
  }

  describe(): ReturnType<Dispatcher['describe']> & { slotsInUse: number } {
    return { ...this.#dispatcher.describe(), slotsInUse: this.slots.inUse() };
  }

  /** The executor keeps the reservation, for it alone knows what runs and what only waits. */
  #applyReservation(functionName: string): void {
    const { store, executor } = this.#options;
    const arn = this.#arns.get(functionName);
    if (arn !== undefined) executor.limit(arn, readReservedConcurrency(store.resources, functionName));
  }

  /** Environments of a function that is gone make room. */
  #followFunction(functionName: string): void {
    const { store, executor } = this.#options;
    const record = readFunction(store.resources, functionName)?.value;
    if (record) {
      const spec = toFunctionSpec(record);
      this.#arns.set(functionName, spec.arn);
      return;
    }
    const arn = this.#arns.get(functionName);
    this.#arns.delete(functionName);
    if (arn !== undefined) executor.retire(arn);
  }

  #readReservedTotal(): number {
    this.#reservedTotal ??= this.#options.store.resources
      .list<ConcurrencyRecord>(LAMBDA_COLLECTIONS.concurrency)
      .reduce((total, { value }) => total + value.reserved, 0);
    return this.#reservedTotal;
  }
}
