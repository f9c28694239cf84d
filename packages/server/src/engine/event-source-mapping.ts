/** Keeps one poller per enabled event source mapping, in step with the mappings in the store. */
import { type EventSourceMappingRecord, listMappings, readMapping } from '../domain/event-source-mapping.ts';
import { LAMBDA_COLLECTIONS } from '../domain/lambda-function.ts';
import { QUEUES } from '../domain/sqs-queue.ts';
import { type PollerDeps, QueuePoller } from './queue-poller.ts';

export class EventSourceMappings {
  readonly #deps: PollerDeps;
  readonly #pollers = new Map<string, QueuePoller>();
  /** By the store queue they take messages from. */
  readonly #byQueue = new Map<string, Set<QueuePoller>>();
  /** Pollers of mappings that are gone, still finishing. */
  readonly #ending = new Set<Promise<void>>();
  #unsubscribe: (() => void)[] = [];

  constructor(deps: PollerDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { store } = this.#deps;
    this.#unsubscribe = [
      store.resources.onChange((collection, key) => {
        if (collection === LAMBDA_COLLECTIONS.eventSourceMappings) this.#follow(key);
        else if (collection === QUEUES) this.#followQueue(key);
        else if (collection === LAMBDA_COLLECTIONS.functions) this.#followFunction(key);
      }),
      store.onQueueChange((changes) => {
        if (this.#pollers.size === 0) return;
        for (const { queue, dueAt } of changes) {
          for (const poller of this.#byQueue.get(queue) ?? []) poller.notice(dueAt);
        }
      }),
    ];
    for (const { key } of listMappings(store.resources)) this.#follow(key);
  }

  /** Resolves when no batch is under way any more. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const uuid of [...this.#pollers.keys()]) this.#end(uuid);
    await Promise.all(this.#ending);
  }

  /** For `doctor` and metrics, by UUID of the mapping. */
  describe(): Record<string, ReturnType<QueuePoller['describe']>> {
    return Object.fromEntries([...this.#pollers].map(([uuid, poller]) => [uuid, poller.describe()]));
  }

  #follow(uuid: string): void {
    const mapping = readMapping(this.#deps.store.resources, uuid)?.value;
    if (mapping?.state !== 'Enabled') {
      this.#end(uuid);
      return;
    }
    const poller = this.#pollers.get(uuid);
    if (poller) poller.update(mapping);
    else this.#begin(mapping);
  }

  /** A queue that was made again, or changed its visibility. */
  #followQueue(queueName: string): void {
    for (const { key, value } of listMappings(this.#deps.store.resources)) {
      if (value.eventSourceArn.endsWith(`:${queueName}`)) this.#follow(key);
    }
  }

  /** A function that was created: its messages have waited for it. */
  #followFunction(functionName: string): void {
    for (const { key, value } of listMappings(this.#deps.store.resources)) {
      if (value.functionName === functionName) this.#follow(key);
    }
  }

  #begin(mapping: EventSourceMappingRecord): void {
    const poller = new QueuePoller(this.#deps, mapping);
    this.#pollers.set(mapping.uuid, poller);
    const others = this.#byQueue.get(poller.messages);
    if (others) others.add(poller);
    else this.#byQueue.set(poller.messages, new Set([poller]));
    poller.start();
  }

  #end(uuid: string): void {
    const poller = this.#pollers.get(uuid);
    if (!poller) return;
    this.#pollers.delete(uuid);
    const others = this.#byQueue.get(poller.messages);
    others?.delete(poller);
    if (others?.size === 0) this.#byQueue.delete(poller.messages);
    const ended = poller.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
