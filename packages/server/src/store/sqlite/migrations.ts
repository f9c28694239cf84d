/**
 * The schema, as the steps that lead to it. A step that has been released is never edited: the next change is
 * a new step. `user_version` is the number of steps taken.
 */
import type { DatabaseSync } from 'node:sqlite';
import { StoreTooNew } from '../store.ts';

/**
 * Why it is so: `seq` is handed out by the writer, one row of numbers for subjects and messages, so that one
 * table `bodies` serves both and always grows at its end. Rows that change (messages, subjects) are small and
 * hold no bodies. `head` is 1 for messages that can be received once they are due: those without a group and
 * the first of each group, so one index finds both. A queue whose `name` is null has been cleared: its rows
 * wait to be swept away, and nothing finds them any more. The same holds for a log group.
 */
const FIRST = `
CREATE TABLE queues (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  head INTEGER NOT NULL,
  held INTEGER NOT NULL,
  lease INTEGER NOT NULL,
  receive_count INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  first_received_at INTEGER,
  subject INTEGER,
  group_key TEXT,
  holder TEXT,
  id TEXT NOT NULL,
  attributes TEXT,
  state TEXT
) STRICT;
CREATE INDEX messages_due ON messages (queue, due_at) WHERE head = 1;
CREATE INDEX messages_behind ON messages (queue, due_at) WHERE head = 0;
CREATE INDEX messages_group ON messages (queue, group_key) WHERE group_key IS NOT NULL;
CREATE INDEX messages_held ON messages (queue, due_at) WHERE held = 1;
CREATE INDEX messages_sent ON messages (queue, sent_at);
CREATE INDEX messages_subject ON messages (subject) WHERE subject IS NOT NULL;
CREATE TABLE dedup (
  queue INTEGER NOT NULL, key TEXT NOT NULL, until INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL,
  PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedup_until ON dedup (until);

CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;

CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;
CREATE TABLE subjects (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  topic INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  settled_at INTEGER,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX subjects_time ON subjects (accepted_at);
CREATE INDEX subjects_topic ON subjects (topic, accepted_at);
CREATE INDEX subjects_status ON subjects (status, accepted_at) WHERE status <> 'Succeeded';
CREATE TABLE entries (
  subject INTEGER NOT NULL, n INTEGER NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (subject, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE resources (
  collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (collection, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_groups (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  log_group INTEGER NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  first_at INTEGER,
  last_at INTEGER,
  last_ingested_at INTEGER,
  bytes INTEGER NOT NULL,
  UNIQUE (log_group, name)
) STRICT;
CREATE TABLE chunks (
  seq INTEGER PRIMARY KEY,
  log_group INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  ingested_at INTEGER NOT NULL,
  label TEXT,
  bytes INTEGER NOT NULL,
  lines TEXT NOT NULL
) STRICT;
CREATE INDEX chunks_group ON chunks (log_group, first_at);
CREATE INDEX chunks_stream ON chunks (stream, first_at);
CREATE INDEX chunks_label ON chunks (label) WHERE label IS NOT NULL;

CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Measurements: one row for each series and period, and beside it how often which value came. */
const POINTS = `
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;
CREATE TABLE points (
  series INTEGER NOT NULL,
  period INTEGER NOT NULL,
  at INTEGER NOT NULL,
  count REAL NOT NULL,
  sum REAL NOT NULL,
  min REAL NOT NULL,
  max REAL NOT NULL,
  PRIMARY KEY (series, period, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE spreads (
  series INTEGER NOT NULL,
  period INTEGER NOT NULL,
  at INTEGER NOT NULL,
  value REAL NOT NULL,
  count REAL NOT NULL,
  PRIMARY KEY (series, period, at, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX points_age ON points (period, at);
`;

export const MIGRATIONS: readonly string[] = [FIRST, POINTS];

/** Brings the schema up to date, all steps in one transaction. @throws StoreTooNew */
export function migrate(db: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > migrations.length) {
    throw new StoreTooNew(
      `The database has schema version ${version}, this program knows versions up to ${migrations.length}. ` +
        'It was written by a newer Redrive: start that one, or use another data folder.',
    );
  }
  if (version === migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of migrations.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
