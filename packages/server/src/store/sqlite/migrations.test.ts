import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { StoreTooNew } from '../store.ts';
import { MIGRATIONS, migrate } from './migrations.ts';

const version = (db: DatabaseSync) =>
  (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
const tables = (db: DatabaseSync) =>
  db
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .all()
    .map((row) => row.name);

test('an empty database gets every step, a current one none', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db);
  assert.equal(version(db), MIGRATIONS.length);
  const made = tables(db);
  assert.ok(made.includes('messages'));
  migrate(db);
  assert.deepEqual(tables(db), made);
});

test('only the steps that are missing are taken', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, ['CREATE TABLE one (x)']);
  migrate(db, ['CREATE TABLE one (x)', 'CREATE TABLE two (x)', 'INSERT INTO two VALUES (1)']);
  assert.equal(version(db), 3);
  assert.deepEqual(tables(db), ['one', 'two']);
});

test('a step that fails takes the others back with it', () => {
  const db = new DatabaseSync(':memory:');
  migrate(db, ['CREATE TABLE one (x)']);
  assert.throws(() => migrate(db, ['CREATE TABLE one (x)', 'CREATE TABLE two (x)', 'CREATE TABLE one (x)']));
  assert.equal(version(db), 1);
  assert.deepEqual(tables(db), ['one']);
});

test('a database of a newer program is refused', () => {
  const db = new DatabaseSync(':memory:');
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  assert.throws(() => migrate(db), StoreTooNew);
  assert.equal(version(db), MIGRATIONS.length + 1);
});
