/**
 * Everything that changes the database goes through one connection, a batch at a time: one transaction, one flush.
 * Each unit is judged on rows that the transaction has locked, before anything of it is written, so a conflict
 * leaves no trace. A batch that another node crossed is tried again; one that fails through the fault of a unit is
 * tried again one by one; when the connection breaks after COMMIT was sent, the database is asked what became of it.
 */
import pg from 'pg';
import { pause } from '../../platform/pause.ts';
import { findConflict } from '../conflicts.ts';
import type { Work, WorkResult } from '../group-commit.ts';
import { type CommitResult, InvalidUnit, type Sent, StoreUnavailable } from '../store.ts';
import { clearQueue, eraseLines } from './clearing.ts';
import { clientConfig, SESSION, troubleOf } from './connection.ts';
import { loadFacts, type SegmentFacts } from './facts.ts';
import { flushSegment, flushTotals, KnownNames } from './flush.ts';
import { numbersNeeded, Pending, type PlannedUnit, planEffect, Totals } from './pending.ts';
import { receiveMessages } from './receive.ts';
import { type CheckedWork, cutSegments, type Segment } from './segments.ts';
import { drawBlocks, SeqNumbers } from './seq-numbers.ts';
import { type Row, Transaction } from './transaction.ts';
import { type CheckedUnit, checkUnit } from './unit-check.ts';

export interface WriterOptions {
  readonly url: string;
  readonly node: string;
  readonly shard: number;
  /** Revision of resources up to which the view has seen all changes. */
  readonly seenRevision: () => number;
}

export interface BatchOutcome {
  readonly results: WorkResult[];
  /** Earliest instant by queue. */
  readonly due: ReadonlyMap<string, number>;
  /** Changes of resources by others: [collection, key, version, value, revision]. */
  readonly unseen: readonly Row[];
  /** Revision of resources after the batch; undefined when it had nothing to do with them. */
  readonly revision: number | undefined;
}

const TRIES = 8;
const RETRY_BASE_MS = 5;
/** How long the database may stay away before a commit of unknown outcome is answered with an error. */
const OUTCOME_WAIT_MS = 10_000;
const OUTCOME_PAUSE_MS = 100;
/** After a failed connect, callers are refused at once for so long. */
const RECONNECT_PAUSE_MS = 100;

const ADD_NODE = 'INSERT INTO batches (node, batch, fence) VALUES ($1, 0, 0) ON CONFLICT (node) DO NOTHING';
const READ_BATCH = 'SELECT batch, fence FROM batches WHERE node = $1 FOR UPDATE';
/** Takes the number away from whoever may still be about to commit under it. */
const FENCE = 'UPDATE batches SET batch = $2, fence = $2 WHERE node = $1';

class OpensUnchecked extends Error {
  override readonly name = 'OpensUnchecked';
  /** Unique violation: what the database would have said. */
  readonly code = '23505';
}

class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

export class Writer {
  readonly #options: WriterOptions;
  readonly #known = new KnownNames();
  readonly #numbers = new SeqNumbers();
  #client: Promise<pg.Client> | undefined;
  #refuseUntil = 0;
  #batch = 0;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  async execute(works: readonly Work[]): Promise<BatchOutcome> {
    return this.#execute(works.map(checkWork));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => undefined);
    await client?.end().catch(() => undefined);
  }

  async #execute(works: readonly CheckedWork[]): Promise<BatchOutcome> {
    let checkOpens = false;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#attempt(works, checkOpens);
      } catch (error) {
        const trouble = error instanceof InvalidUnit ? 'invalid' : troubleOf(error);
        if (trouble === 'unavailable') throw unavailable(error);
        this.#known.clear();
        if (trouble === 'again' && tries < TRIES) {
          checkOpens = true;
          await pause(RETRY_BASE_MS * (tries - 1));
          continue;
        }
        if (works.length > 1) return this.#oneByOne(works);
        if (trouble === 'again') throw unavailable(error);
        const result = new InvalidUnit((error as Error).message, { cause: error });
        return { results: [result], due: new Map(), unseen: [], revision: undefined };
      }
    }
  }

  async #oneByOne(works: readonly CheckedWork[]): Promise<BatchOutcome> {
    const results: WorkResult[] = [];
    const due = new Map<string, number>();
    const unseen: Row[] = [];
    let revision: number | undefined;
    for (const work of works) {
      try {
        const outcome = await this.#execute([work]);
        results.push(...outcome.results);
        unseen.push(...outcome.unseen);
        revision = outcome.revision ?? revision;
        for (const [queue, at] of outcome.due) due.set(queue, Math.min(at, due.get(queue) ?? at));
      } catch (error) {
        results.push(unavailable(error));
      }
    }
    return { results, due, unseen, revision };
  }

  async #attempt(works: readonly CheckedWork[], checkOpens: boolean): Promise<BatchOutcome> {
    const client = await this.#connect();
    const transaction = new Transaction(client);
    const totals = new Totals();
    const results: WorkResult[] = works.map((work) =>
      work.kind === 'refused' ? work.error : { kind: 'committed', sent: [], versions: [] },
    );
    const unseen: Row[] = [];
    let revision: number | undefined;
    let wrote = false;
    let committing = false;
    const batch = this.#batch + 1;
    try {
      for (const segment of cutSegments(works)) {
        if (segment.kind === 'receives') {
          for (const { index, request } of segment.receives) {
            const messages = await receiveMessages(transaction, request, totals);
            results[index] = messages;
            wrote ||= messages.length > 0;
          }
          continue;
        }
        const facts = await this.#apply(transaction, segment, results, totals, checkOpens);
        wrote ||= facts.wrote;
        if (facts.facts.resources) {
          unseen.push(...facts.facts.unseen);
          revision = facts.facts.resources.revision;
        }
      }
      if (!wrote) {
        await transaction.rollback();
        return { results, due: new Map(), unseen, revision };
      }
      const { node, shard } = this.#options;
      flushTotals(transaction, totals, this.#known, { shard, node, batch });
      committing = true;
      await transaction.commit();
      this.#batch = batch;
      return { results, due: totals.due, unseen, revision };
    } catch (error) {
      await this.#recover(transaction, error);
      if (!committing || troubleOf(error) !== 'unavailable' || isAnswer(error)) throw error;
      if (!(await this.#wasCommitted(batch))) throw error;
      return { results, due: totals.due, unseen, revision };
    }
  }

  /** Judges and writes the units of one segment. */
  async #apply(
    transaction: Transaction,
    segment: Segment & { kind: 'units' },
    results: WorkResult[],
    totals: Totals,
    checkOpens: boolean,
  ): Promise<{ facts: SegmentFacts; wrote: boolean }> {
    const numbers = segment.units.reduce((sum, { checked }) => sum + numbersNeeded(checked), 0);
    const blocks = this.#numbers.missing(numbers);
    if (blocks > 0) this.#numbers.add(await drawBlocks(transaction, blocks));
    const seenRevision = this.#options.seenRevision();
    const facts = await loadFacts(transaction, segment.units, { checkOpens, seenRevision });
    let pending = new Pending();
    let wrote = false;
    const flush = async () => {
      const { promoted } = flushSegment(transaction, pending, facts, this.#known);
      if (pending.groups.size > 0) for (const [queue, at] of await promoted) totals.dueAt(queue, at);
      pending = new Pending();
    };
    for (const { index, checked } of segment.units) {
      const conflict = findConflict(checked.unit, facts);
      if (conflict) {
        // The first conflict counts, and an id that is opened again would be one: now it has to be looked up.
        if (!checkOpens && checked.unit.some(({ kind }) => kind === 'open')) throw new OpensUnchecked();
        results[index] = conflict;
        continue;
      }
      wrote ||= checked.unit.length > 0;
      const planned: PlannedUnit = { sent: [], versions: [] };
      for (let i = 0; i < checked.unit.length; i++) {
        const effect = checked.unit[i] as CheckedUnit['unit'][number];
        if (effect.kind === 'clear' || effect.kind === 'erase') {
          await flush();
          if (effect.kind === 'erase') await eraseLines(transaction, effect, this.#known);
          else await clearQueue(transaction, effect, facts, totals, this.#known);
        } else planEffect(checked, i, facts, pending, totals, this.#numbers, planned);
      }
      results[index] = committed(checked, planned);
    }
    await flush();
    return { facts, wrote };
  }

  /** A broken transaction is ended; a connection that does not answer is given up. */
  async #recover(transaction: Transaction, error: unknown): Promise<void> {
    if (isAnswer(error)) {
      await transaction.rollback();
      return;
    }
    const client = await this.#client?.catch(() => undefined);
    this.#drop(this.#client);
    void client?.end().catch(() => undefined);
  }

  /**
   * Whether a commit whose answer never came happened. If it has not, it never will: its number is taken away, and
   * the session that may still be carrying it out breaks on that.
   */
  async #wasCommitted(batch: number): Promise<boolean> {
    const until = performance.now() + OUTCOME_WAIT_MS;
    for (;;) {
      try {
        const client = await this.#connect();
        const { node } = this.#options;
        await client.query('BEGIN');
        const { rows } = await client.query<{ batch: number; fence: number }>(READ_BATCH, [node]);
        const found = rows[0] ?? { batch: 0, fence: 0 };
        const committed = found.batch >= batch && found.fence !== batch;
        if (!committed) await client.query(FENCE, [node, batch]);
        await client.query('COMMIT');
        this.#batch = batch;
        return committed;
      } catch (error) {
        if (this.#closed || performance.now() > until) {
          throw new OutcomeUnknown(
            'The database went away during a commit, and has not come back to tell its outcome.',
            { cause: error },
          );
        }
        await pause(OUTCOME_PAUSE_MS);
      }
    }
  }

  async #connect(): Promise<pg.Client> {
    if (this.#closed) throw new StoreUnavailable('The store is closed.');
    if (performance.now() < this.#refuseUntil) throw new StoreUnavailable('The database does not answer.');
    const connecting = this.#client ?? this.#open();
    this.#client = connecting;
    try {
      return await connecting;
    } catch (error) {
      this.#drop(connecting);
      this.#refuseUntil = performance.now() + RECONNECT_PAUSE_MS;
      throw error;
    }
  }

  async #open(): Promise<pg.Client> {
    const client = new pg.Client(clientConfig(this.#options.url, 'writer'));
    const opening = this.#client;
    client.on('error', () => this.#drop(opening ?? this.#client));
    client.on('end', () => this.#drop(opening ?? this.#client));
    await client.connect();
    await client.query(SESSION);
    const { node } = this.#options;
    await client.query(ADD_NODE, [node]);
    const { rows } = await client.query<{ batch: number }>('SELECT batch FROM batches WHERE node = $1', [
      node,
    ]);
    this.#batch = rows[0]?.batch ?? 0;
    return client;
  }

  #drop(connection: Promise<pg.Client> | undefined): void {
    if (this.#client === connection) this.#client = undefined;
  }
}

function checkWork(work: Work): CheckedWork {
  if (work.kind === 'receive') return work;
  try {
    return { kind: 'commit', checked: checkUnit(work.unit) };
  } catch (error) {
    return { kind: 'refused', error: error instanceof InvalidUnit ? error : new InvalidUnit(String(error)) };
  }
}

function committed({ unit }: CheckedUnit, planned: PlannedUnit): CommitResult {
  const sent: Sent[] = [];
  let at = 0;
  for (const effect of unit) {
    if (effect.kind !== 'send') continue;
    const { seq, duplicateOf } = planned.sent[at++] as PlannedUnit['sent'][number];
    sent.push({
      receipt: {
        queue: effect.queue,
        seq,
        id: duplicateOf ?? effect.message.id,
        lease: effect.lease && duplicateOf === undefined ? 1 : 0,
      },
      duplicate: duplicateOf !== undefined,
    });
  }
  return { kind: 'committed', sent, versions: planned.versions };
}

/** The server has said so: the connection is well. (Class 57: it is ending sessions; 25P03: it has ended this one.) */
function isAnswer(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08|25P0[34])/.test(code);
}

function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error;
  return new StoreUnavailable(`The database could not commit: ${(error as Error).message}`, { cause: error });
}
