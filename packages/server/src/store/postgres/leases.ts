/**
 * Work that one node does for all. A lease lasts as long as its node says once a second that it lives; a node that
 * could not say so gives the work up by its own clock before anybody else may take it.
 */
import type pg from 'pg';

/** By the database's clock. */
const LEASE_MS = 6_000;
/** By this machine's clock since the lease was last renewed; shorter, so that two never work at once. */
const GIVE_UP_MS = 4_000;

const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
const CLAIM = `
  INSERT INTO leases AS l (name, node, until, term) VALUES ($1, $2, ${NOW} + ${LEASE_MS}, 1)
  ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until,
    term = l.term + CASE WHEN l.node = excluded.node THEN 0 ELSE 1 END
  WHERE l.node = excluded.node OR l.until < ${NOW}
  RETURNING node`;

export interface Singleton {
  start(): void;
  stop(): void;
}

export class Lease {
  readonly #pool: pg.Pool;
  readonly #name: string;
  readonly #node: string;
  readonly #work: Singleton;
  #heldSince: number | undefined;
  #guard: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool, name: string, node: string, work: Singleton) {
    this.#pool = pool;
    this.#name = name;
    this.#node = node;
    this.#work = work;
  }

  get held(): boolean {
    return this.#heldSince !== undefined;
  }

  /** To be called with every heartbeat. */
  async renew(): Promise<void> {
    const asked = performance.now();
    const { rowCount } = await this.#pool.query(CLAIM, [this.#name, this.#node]);
    if (rowCount === 0) {
      this.#lose();
      return;
    }
    clearTimeout(this.#guard);
    const left = GIVE_UP_MS - (performance.now() - asked);
    if (left <= 0) {
      this.#lose();
      return;
    }
    this.#guard = setTimeout(() => this.#lose(), left).unref();
    if (this.#heldSince === undefined) {
      this.#heldSince = asked;
      this.#work.start();
    }
  }

  /** Gives the work to whoever asks next. */
  async release(): Promise<void> {
    this.#lose();
    await this.#pool.query('DELETE FROM leases WHERE name = $1 AND node = $2', [this.#name, this.#node]);
  }

  #lose(): void {
    clearTimeout(this.#guard);
    if (this.#heldSince === undefined) return;
    this.#heldSince = undefined;
    this.#work.stop();
  }
}
