/**
 * Lines of streams, stored as chunks: one row for what was written together. Invariant: the lines of a chunk lie
 * within CHUNK_SPAN_MS of each other, so a reader that looks that far beyond its range misses none.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { nextChunk } from '../line-chunks.ts';
import { prepareRows } from './connection.ts';
import type { Names } from './names.ts';
import type { StoredEffect } from './stored.ts';

export class LineTable {
  readonly #groups: Names;
  readonly #findStream: StatementSync;
  readonly #addStream: StatementSync;
  readonly #growStream: StatementSync;
  readonly #insert: StatementSync;
  readonly #newest: StatementSync;
  readonly #eraseChunks: StatementSync;
  readonly #eraseStreamChunks: StatementSync;
  readonly #orphanStream: StatementSync;
  readonly #shrinkStream: StatementSync;
  readonly #dropEmptyStream: StatementSync;
  readonly #touchedStreams: StatementSync;
  #nextSeq = 0;

  constructor(db: DatabaseSync, groups: Names) {
    this.#groups = groups;
    this.#findStream = prepareRows(db, 'SELECT id FROM streams WHERE log_group = ? AND name = ?');
    this.#addStream = db.prepare(
      'INSERT INTO streams (log_group, name, created_at, bytes) VALUES (?, ?, ?, 0)',
    );
    this.#growStream = db.prepare(
      `UPDATE streams SET first_at = min(coalesce(first_at, ?1), ?1), last_at = max(coalesce(last_at, ?2), ?2),
              last_ingested_at = max(coalesce(last_ingested_at, ?3), ?3), bytes = bytes + ?4 WHERE id = ?5`,
    );
    this.#insert = db.prepare(
      `INSERT INTO chunks (seq, log_group, stream, first_at, last_at, ingested_at, label, bytes, lines)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#newest = prepareRows(db, 'SELECT coalesce(max(seq), 0) FROM chunks');
    this.#touchedStreams = prepareRows(
      db,
      `SELECT DISTINCT stream FROM chunks INDEXED BY chunks_group
       WHERE log_group = ?1 AND first_at < ?2 AND last_at < ?2 AND (?3 IS NULL OR stream = ?3)`,
    );
    this.#eraseChunks = db.prepare(
      `DELETE FROM chunks INDEXED BY chunks_group
       WHERE log_group = ?1 AND first_at < ?2 AND last_at < ?2 AND (?3 IS NULL OR stream = ?3)`,
    );
    this.#eraseStreamChunks = db.prepare('DELETE FROM chunks INDEXED BY chunks_stream WHERE stream = ?');
    this.#orphanStream = db.prepare('DELETE FROM streams WHERE id = ?');
    this.#shrinkStream = db.prepare(
      `UPDATE streams SET first_at = (SELECT first_at FROM chunks WHERE stream = ?1 ORDER BY first_at LIMIT 1),
              bytes = (SELECT coalesce(sum(bytes), 0) FROM chunks WHERE stream = ?1) WHERE id = ?1`,
    );
    this.#dropEmptyStream = db.prepare('DELETE FROM streams WHERE id = ? AND first_at IS NULL');
    this.reload();
  }

  reload(): void {
    const newest = (this.#newest.get() as unknown as [number])[0];
    this.#nextSeq = Math.max(this.#nextSeq, newest + 1);
  }

  write(effect: StoredEffect & { kind: 'write' }): void {
    const { lines, at, label } = effect;
    const group = this.#groups.intern(effect.group);
    const stream = this.#stream(group, effect.stream, at);
    for (let start = 0; start < lines.length; ) {
      const chunk = nextChunk(lines, start);
      this.#insert.run(
        this.#nextSeq++,
        group,
        stream,
        chunk.firstAt,
        chunk.lastAt,
        at,
        label,
        chunk.bytes,
        JSON.stringify(chunk.lines),
      );
      this.#growStream.run(chunk.firstAt, chunk.lastAt, at, chunk.bytes, stream);
      start = chunk.end;
    }
  }

  erase(effect: StoredEffect & { kind: 'erase' }): void {
    const { before } = effect;
    if (before === undefined && effect.stream === undefined) {
      this.#groups.forget(effect.group);
      return;
    }
    const group = this.#groups.find(effect.group);
    if (group === undefined) return;
    const stream = effect.stream === undefined ? null : this.#findStreamId(group, effect.stream);
    if (stream === undefined) return;
    if (before === undefined) {
      this.#eraseStreamChunks.run(stream);
      this.#orphanStream.run(stream);
      return;
    }
    const touched = this.#touchedStreams.all(group, before, stream) as unknown as [number][];
    this.#eraseChunks.run(group, before, stream);
    for (const [id] of touched) {
      this.#shrinkStream.run(id);
      this.#dropEmptyStream.run(id);
    }
  }

  #stream(group: number, name: string, createdAt: number): number {
    return (
      this.#findStreamId(group, name) ?? Number(this.#addStream.run(group, name, createdAt).lastInsertRowid)
    );
  }

  #findStreamId(group: number, name: string): number | undefined {
    return (this.#findStream.get(group, name) as unknown as [number] | undefined)?.[0];
  }
}
