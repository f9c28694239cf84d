/**
 * One transaction on a pipelined connection: statements go out at once, answers are awaited where something depends
 * on them. The first error is the cause; what follows it in the same transaction says nothing.
 */
import type pg from 'pg';
import { IN_FAILED_TRANSACTION, type Statement } from './connection.ts';

export type Row = readonly (string | number | null)[];

export class Transaction {
  readonly #client: pg.Client;
  readonly #running: Promise<unknown>[] = [];
  #error: Error | undefined;

  constructor(client: pg.Client) {
    this.#client = client;
    this.run({ name: 'begin', text: 'BEGIN' });
  }

  /** Rows as arrays. Rejects with the error that broke the transaction. */
  async rows(statement: Statement, values: unknown[] = []): Promise<Row[]> {
    const answer = this.#send(statement, values);
    await answer;
    if (this.#error) throw this.#error;
    return (await answer)?.rows as Row[];
  }

  /** Sends and does not wait: `commit` will. */
  run(statement: Statement, values: unknown[] = []): void {
    void this.#send(statement, values);
  }

  /** Rejects with the first error; then nothing of the transaction happened. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#error) throw this.#error;
  }

  /** Everything sent so far must have been settled, or be sent in one go with this. Resolves when it is on disk. */
  async commit(): Promise<void> {
    const answer = this.#send({ name: 'commit', text: 'COMMIT' }, []);
    await Promise.all(this.#running);
    if (this.#error) throw this.#error;
    // A commit of a transaction that has failed is answered without an error.
    const command = (await answer)?.command;
    if (command !== 'COMMIT') throw new Error(`COMMIT was answered with ${command}`);
  }

  async rollback(): Promise<void> {
    this.run({ name: 'rollback', text: 'ROLLBACK' });
    await Promise.all(this.#running);
  }

  #send({ name, text }: Statement, values: unknown[]): Promise<pg.QueryArrayResult | undefined> {
    const answer = this.#client
      .query({ name, text, values, rowMode: 'array' } as pg.QueryArrayConfig)
      .catch((error: Error & { code?: string }) => {
        if (this.#error === undefined || (this.#error as { code?: string }).code === IN_FAILED_TRANSACTION) {
          this.#error = error;
        }
        return undefined;
      });
    this.#running.push(answer);
    return answer;
  }
}
