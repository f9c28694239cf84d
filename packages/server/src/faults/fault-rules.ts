/**
 * The rules in force. Looking at them costs one comparison while there are none. Rules are resources and so are
 * their counts: "the first two" stays true over a restart. Rules on disks and processes are kept in memory alone,
 * so that a new start is a repair.
 */
import {
  type CompiledFault,
  checkFault,
  compileFault,
  createFault,
  decideFault,
  FAULTS,
  type FaultInput,
  type FaultKind,
  type FaultRule,
  isOccasion,
  type Occasion,
} from '../domain/fault-rule.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Store } from '../store/store.ts';

export interface FaultRulesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  /** Breaks disks and processes, and repairs them. */
  readonly surroundings?: Surroundings;
}

export interface Surroundings {
  begin(rule: FaultRule): Promise<void>;
  end(rule: FaultRule): Promise<void>;
}

/** What is wrong with a rule that was asked for. */
export class InvalidFault extends Error {
  override readonly name = 'InvalidFault';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

export class FaultRules {
  readonly #deps: FaultRulesDeps;
  readonly #rules = new Map<string, CompiledFault>();
  readonly #byKind = new Map<FaultKind, CompiledFault[]>();
  readonly #writing = new Set<string>();
  readonly #dirty = new Set<string>();
  #unsubscribe: () => void = () => undefined;

  constructor(deps: FaultRulesDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { resources } = this.#deps.store;
    for (const { value } of resources.list<FaultRule>(FAULTS)) this.#keep(value);
    this.#unsubscribe = resources.onChange((collection, key) => {
      if (collection !== FAULTS) return;
      const stored = resources.get<FaultRule>(FAULTS, key)?.value;
      if (!stored) this.#forget(key);
      else if (!this.#rules.has(key)) this.#keep(stored);
    });
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** Whether any rule is about such targets: asked before anything else is done. */
  has(kind: FaultKind): boolean {
    return this.#byKind.has(kind);
  }

  list(): FaultRule[] {
    return [...this.#rules.values()].map(({ rule }) => rule);
  }

  /** Rejects with an InvalidFault. A rule of the same id is replaced. */
  async add(input: FaultInput): Promise<FaultRule> {
    const problems = checkFault(input);
    if (problems.length > 0) throw new InvalidFault(problems);
    const { clock, ids, store } = this.#deps;
    const rule = createFault(input, ids.uuid().slice(0, 8), clock.now());
    if (this.#rules.has(rule.id)) await this.remove(rule.id);
    if (!isDurable(rule)) {
      this.#keep(rule);
      this.#surround(rule);
      return rule;
    }
    await store.commit([{ kind: 'put', collection: FAULTS, key: rule.id, value: { ...rule } }]);
    this.#keep(rule);
    return rule;
  }

  /** `false`: there is no such rule. */
  async remove(id: string): Promise<boolean> {
    const known = this.#rules.get(id);
    if (!known) return false;
    this.#forget(id);
    if (!isDurable(known.rule)) await this.#deps.surroundings?.end(known.rule);
    else await this.#deps.store.commit([{ kind: 'remove', collection: FAULTS, key: id }]);
    return true;
  }

  /** The rule that acts on this occasion, already counted; rules made earlier go first. */
  pick(kind: FaultKind, occasion: Occasion, effects?: readonly string[]): FaultRule | undefined {
    const { clock, random } = this.#deps;
    for (const fault of this.#byKind.get(kind) ?? []) {
      const { rule } = fault;
      if (effects && !effects.includes(rule.effect)) continue;
      if (!isOccasion(fault, occasion, clock.now())) continue;
      const acts = decideFault(rule, rule.seen, rule.probability === undefined ? 0 : random.next());
      rule.seen++;
      if (acts) rule.acted++;
      this.#write(rule.id);
      if (acts) return rule;
    }
    return undefined;
  }

  /** Forgets what was set around one request, once that is over. */
  async endRequest(requestId: string): Promise<void> {
    for (const { id, requestId: only } of this.list()) if (only === requestId) await this.remove(id);
  }

  /** A line in the timeline of the event, if it is one (a synchronous call has none). */
  async tell(requestId: string, rule: FaultRule, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { store, clock, log } = this.#deps;
    const data = { fault: rule.id, target: rule.target, effect: rule.effect, ...more };
    try {
      await store.commit([
        { kind: 'append', subject: requestId, entries: [{ at: clock.now(), kind: 'fault', data }] },
      ]);
    } catch (error) {
      log.warn({ err: error, requestId, fault: rule.id }, 'journal line of a fault lost');
    }
  }

  #keep(rule: FaultRule): void {
    this.#rules.set(rule.id, compileFault(rule));
    this.#index();
  }

  #forget(id: string): void {
    if (this.#rules.delete(id)) this.#index();
  }

  #index(): void {
    this.#byKind.clear();
    for (const fault of this.#rules.values()) {
      const { kind } = fault.target;
      const same = this.#byKind.get(kind);
      if (same) same.push(fault);
      else this.#byKind.set(kind, [fault]);
    }
  }

  /** Counts are written behind: one write of a rule at a time. */
  #write(id: string): void {
    if (this.#writing.has(id)) {
      this.#dirty.add(id);
      return;
    }
    const { store, activity, log } = this.#deps;
    this.#writing.add(id);
    const write = async () => {
      do {
        this.#dirty.delete(id);
        const rule = this.#rules.get(id)?.rule;
        const version = store.resources.get(FAULTS, id)?.version;
        if (!rule || version === undefined) return;
        // A rule that is removed meanwhile stays removed.
        await store.commit([
          { kind: 'put', collection: FAULTS, key: id, value: { ...rule }, ifVersion: version },
        ]);
      } while (this.#dirty.has(id));
    };
    void activity
      .track(write())
      .catch((error: unknown) => log.warn({ err: error, fault: id }, 'counts of a fault could not be kept'))
      .finally(() => this.#writing.delete(id));
  }

  #surround(rule: FaultRule): void {
    const { clock, surroundings, activity, log } = this.#deps;
    if (!surroundings) throw new InvalidFault([`target: ${rule.target} cannot be broken here`]);
    const run = (work: () => Promise<void>) =>
      void activity
        .track(work())
        .catch((error: unknown) => log.error({ err: error, fault: rule.id }, 'a fault could not be set'));
    const begin = () => {
      if (this.#rules.get(rule.id)?.rule !== rule) return;
      rule.seen++;
      rule.acted++;
      run(() => surroundings.begin(rule));
    };
    if (rule.from === undefined) begin();
    else clock.schedule(rule.from, begin);
    if (rule.until !== undefined) {
      clock.schedule(rule.until, () => {
        if (this.#rules.get(rule.id)?.rule === rule) run(() => surroundings.end(rule));
      });
    }
  }
}

function isDurable(rule: FaultRule): boolean {
  return rule.target !== 'store' && rule.target !== 'process';
}
