/** What a unit is judged by, kept for applying it: nothing is looked up twice. */
import type { Facts } from '../conflicts.ts';
import type { Receipt } from '../store.ts';
import type { JournalTable, SubjectRow } from './journal-table.ts';
import type { MessageRow, MessageTable } from './message-table.ts';
import type { ResourceTable } from './resource-table.ts';

export class UnitFacts implements Facts {
  readonly #messages: MessageTable;
  readonly #journal: JournalTable;
  readonly #resources: ResourceTable;
  #rows: Map<number, MessageRow> | undefined;
  #subjects: Map<string, SubjectRow> | undefined;

  constructor(messages: MessageTable, journal: JournalTable, resources: ResourceTable) {
    this.#messages = messages;
    this.#journal = journal;
    this.#resources = resources;
  }

  message(receipt: Receipt): MessageRow | undefined {
    const row = this.#messages.find(receipt);
    if (row) {
      this.#rows ??= new Map();
      this.#rows.set(receipt.seq, row);
    }
    return row;
  }

  status(subject: string): string | undefined {
    const known = this.#subjects?.get(subject) ?? this.#journal.find(subject);
    if (known) this.opened(subject, known);
    return known?.status;
  }

  version(collection: string, key: string): number {
    return this.#resources.version(collection, key);
  }

  opened(subject: string, row: SubjectRow): void {
    this.#subjects ??= new Map();
    this.#subjects.set(subject, row);
  }

  /** Of a receipt that was judged. */
  row(receipt: Receipt): MessageRow {
    return this.#rows?.get(receipt.seq) as MessageRow;
  }

  /** Of an effect that was judged. */
  subject(subject: string): SubjectRow {
    return this.#subjects?.get(subject) as SubjectRow;
  }
}
