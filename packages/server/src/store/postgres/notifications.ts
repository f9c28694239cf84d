/**
 * What nodes tell each other: which queues have something due, and that resources changed. A word lost is no harm,
 * because every node also looks for itself; so it is sent after the commit, in a transaction that writes nothing,
 * a few milliseconds of them together, and not at all by a node that is alone. (NOTIFY inside the commit would make
 * the commits of all nodes wait for each other.)
 */
import pg from 'pg';
import { clientConfig } from './connection.ts';

/** Words of so long go together. */
const GATHER_MS = 2;
/** PostgreSQL takes 8000 bytes. */
const MAX_BYTES = 7_000;
const RECONNECT_MS = 500;

export interface Word {
  readonly node: string;
  readonly revision?: number | undefined;
  readonly due: readonly (readonly [queue: string, dueAt: number])[];
}

export interface NotificationOptions {
  readonly url: string;
  readonly node: string;
  readonly pool: pg.Pool;
  readonly hear: (word: Word) => void;
  /** Listening has begun, again: words may have been missed. */
  readonly onListening: () => void;
}

export class Notifications {
  readonly #options: NotificationOptions;
  #listener: pg.Client | undefined;
  #channel = '';
  #due = new Map<string, number>();
  #revision: number | undefined;
  #sending: NodeJS.Timeout | undefined;
  #reconnecting: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: NotificationOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#options.url, 'listener'));
    let ended = false;
    const onEnd = () => {
      if (ended) return;
      ended = true;
      if (this.#listener === client) this.#listener = undefined;
      this.#reconnect();
    };
    client.on('error', onEnd);
    client.on('end', onEnd);
    client.on('notification', ({ payload }) => this.#hear(payload));
    try {
      await client.connect();
      // Installations that share a database are kept apart by their schema.
      const { rows } = await client.query<{ schema: string }>('SELECT current_schema() AS schema');
      this.#channel = `redrive:${rows[0]?.schema ?? ''}`.slice(0, 63);
      await client.query(`LISTEN "${this.#channel.replaceAll('"', '""')}"`);
      if (this.#closed) {
        await client.end();
        return;
      }
      this.#listener = client;
      this.#options.onListening();
    } catch {
      void client.end().catch(() => undefined);
      onEnd();
    }
  }

  tell(due: ReadonlyMap<string, number>, revision: number | undefined): void {
    for (const [queue, at] of due) this.#due.set(queue, Math.min(at, this.#due.get(queue) ?? at));
    if (revision !== undefined) this.#revision = revision;
    this.#sending ??= setTimeout(() => void this.#send(), GATHER_MS).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sending);
    clearTimeout(this.#reconnecting);
    await this.#listener?.end().catch(() => undefined);
  }

  async #send(): Promise<void> {
    this.#sending = undefined;
    const { node, pool } = this.#options;
    const due = [...this.#due];
    let revision = this.#revision;
    this.#due = new Map();
    this.#revision = undefined;
    if (this.#closed || this.#channel === '') return;
    const words: string[] = [];
    while (due.length > 0 || revision !== undefined) {
      const word = { node, revision, due: [] as (readonly [string, number])[] };
      let bytes = 0;
      for (let next = due[0]; next && (bytes === 0 || bytes < MAX_BYTES); next = due[0]) {
        bytes += Buffer.byteLength(JSON.stringify(next));
        if (bytes >= MAX_BYTES && word.due.length > 0) break;
        word.due.push(next);
        due.shift();
      }
      revision = undefined;
      words.push(JSON.stringify(word));
    }
    // Refused or lost: the others find out by looking.
    await pool
      .query('SELECT pg_notify($1, word) FROM unnest($2::text[]) AS u (word)', [this.#channel, words])
      .catch(() => undefined);
  }

  #hear(payload: string | undefined): void {
    try {
      const word = JSON.parse(payload ?? '') as Word;
      if (word.node !== this.#options.node) this.#options.hear(word);
    } catch {
      // Not one of ours.
    }
  }

  #reconnect(): void {
    if (this.#closed || this.#reconnecting) return;
    this.#reconnecting = setTimeout(() => {
      this.#reconnecting = undefined;
      void this.listen();
    }, RECONNECT_MS).unref();
  }
}
