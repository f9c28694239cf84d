/** What SQLite's store does when the disk, the process or another process is in the way. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Activity } from '../../src/platform/activity.ts';
import type { DiskFault } from '../../src/store/sqlite/disk-fault.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Message, StoreInUse, StoreTooNew, StoreUnavailable } from '../../src/store/store.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { ack, commit, idsOf, opening, receive, send, settling } from './conformance/harness.ts';

const CHILD = fileURLToPath(new URL('./committing-child.ts', import.meta.url));

async function openAt(t: Cleanup, path: string, activity?: Activity): Promise<SqliteStore> {
  const store = await openSqliteStore({ path, activity });
  atEnd(t, () => store.close());
  return store;
}

test('the settings that durability rests on are in force', async (t) => {
  const store = await openAt(t, join(await tempFolder(t), 'redrive.db'));
  const pragmas = await store.readPragmas();
  assert.equal(pragmas.journal_mode, 'wal');
  assert.equal(pragmas.synchronous, 2, 'FULL');
  assert.ok((pragmas.cache_size as number) < 0, 'the cache is bounded in bytes');
});

test('a folder belongs to one store at a time', async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  const first = await openAt(t, path);
  await commit(first, send('a'));
  await assert.rejects(openSqliteStore({ path }), (error) => {
    assert.ok(error instanceof StoreInUse);
    assert.match(error.message, new RegExp(`pid ${process.pid}`));
    return true;
  });
  assert.deepEqual(idsOf(await receive(first, 0)), ['a'], 'the first goes on');
  await first.close();
  const second = await openAt(t, path);
  assert.equal((await second.readDepth('q', 0)).inFlight, 1);
});

test('another process is kept out while one lives, and let in when it was killed', async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  const child = spawn(process.execPath, [CHILD, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await assert.rejects(
    openSqliteStore({ path }),
    new RegExp(`in use by another Redrive process \\(pid ${child.pid}\\)`),
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  await openAt(t, path);
});

test('a database of a newer program is refused and left as it is', async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  await (await openSqliteStore({ path })).close();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 1000');
  db.close();
  await assert.rejects(openSqliteStore({ path }), StoreTooNew);
  await assert.rejects(openSqliteStore({ path }), StoreTooNew, 'and the folder is not locked by the refusal');
});

test('a file that is no database is refused', async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  mkdirSync(path);
  await assert.rejects(openSqliteStore({ path }), StoreUnavailable);
});

const faults: DiskFault[] = [
  { kind: 'full' },
  { kind: 'failingFlush' },
  { kind: 'lostConnection' },
  { kind: 'threadDeath' },
];
for (const fault of faults) {
  test(`disk fault ${fault.kind}: commits are refused whole, and work again when it is over`, async (t) => {
    const path = join(await tempFolder(t), 'redrive.db');
    const activity = new Activity();
    const store = await openAt(t, path, activity);
    await commit(store, opening('s'), send('m', { subject: 's' }), send('old'), {
      kind: 'put',
      collection: 'c',
      key: 'k',
      value: {},
    });
    const [m] = (await receive(store, 0, { max: 1 })) as [Message];
    const before = await store.readDepth('q', 0);
    const heard: unknown[] = [];
    store.onQueueChange((changes) => heard.push(...changes));

    await store.injectDiskFault(fault);
    const big = 'x'.repeat(50_000);
    const refused = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, i) =>
        store.commit([send(`lost${i}`, { body: big, queue: 'fresh' })]),
      ),
      store.commit([
        opening('s2', { payload: big }),
        { kind: 'put', collection: 'c', key: 'new', value: {} },
        { kind: 'count', counter: 'n', by: 1 },
      ]),
      store.commit([ack(m.receipt), settling('s', 'Succeeded'), send('big', { body: big })]),
    ]);
    for (const result of refused) {
      assert.ok(
        result.status === 'rejected' && result.reason instanceof StoreUnavailable,
        JSON.stringify(result),
      );
    }
    await store.injectDiskFault(undefined);
    assert.deepEqual(heard, []);
    assert.equal(store.resources.get('c', 'new'), undefined);
    assert.deepEqual(await store.readDepth('q', 0), before);

    await commit(store, ack(m.receipt), settling('s', 'Succeeded', 1));
    await commit(store, opening('s2'), send('m2', { subject: 's2', queue: 'fresh' }), {
      kind: 'put',
      collection: 'c',
      key: 'new',
      value: {},
    });
    await store.close();
    const again = await openAt(t, path);
    assert.deepEqual(idsOf(await receive(again, 0)), ['old']);
    assert.deepEqual(idsOf(await receive(again, 0, { queue: 'fresh' })), ['m2']);
    assert.equal((await again.readSubject('s'))?.subject.settledAt, 1);
    assert.equal((await again.readCounters('n')).n, undefined);
    assert.ok(again.resources.get('c', 'new'));
    assert.deepEqual((await again.audit()).drift, []);
    assert.ok(activity.idle);
  });
}

test('a disk that is really full', { skip: !canMount() && 'mounting needs root' }, async (t) => {
  const folder = await tempFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  atEnd(t, () => execFileSync('umount', [folder]));
  const store = await openAt(t, join(folder, 'redrive.db'));
  const accepted: string[] = [];
  const body = 'x'.repeat(20_000);
  await eventually(
    async () => {
      const id = `m${accepted.length}`;
      try {
        await commit(store, send(id, { body, queue: `q${accepted.length % 3}` }));
      } catch (error) {
        assert.ok(error instanceof StoreUnavailable, String(error));
        return true;
      }
      accepted.push(id);
      return false;
    },
    { everyMs: 0, what: 'the disk is full' },
  );
  assert.ok(accepted.length > 20, `${accepted.length} messages before the disk was full`);
  await assert.rejects(commit(store, send('again', { body })), StoreUnavailable);
  execFileSync('mount', ['-o', 'remount,size=64m', folder]);
  await commit(store, send('after', { body }));
  const found: string[] = [];
  for (const queue of ['q', 'q0', 'q1', 'q2'])
    found.push(...idsOf(await receive(store, 0, { queue, max: 1000 })));
  assert.deepEqual(found.sort(), [...accepted, 'after'].sort());
});

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a slow disk slows commits down and loses none', async (t) => {
  const store = await openAt(t, join(await tempFolder(t), 'redrive.db'));
  await store.injectDiskFault({ kind: 'slow', delayMs: 20 });
  await Promise.all(Array.from({ length: 100 }, (_, i) => commit(store, send(`m${i}`))));
  assert.equal((await store.readDepth('q', 0)).visible, 100);
});

test('work under way counts as activity until it has ended', async (t) => {
  const activity = new Activity();
  const store = await openAt(t, join(await tempFolder(t), 'redrive.db'), activity);
  assert.ok(activity.idle);
  const committing = commit(store, send('a'));
  assert.ok(!activity.idle);
  let settled = false;
  void committing.then(() => {
    settled = true;
  });
  await activity.whenIdle();
  assert.ok(settled);
  const reading = store.readDepth('q', 0);
  assert.ok(!activity.idle);
  await reading;
  assert.ok(activity.idle);
});

test('what was cleared is swept from the disk, also after a restart', async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  const first = await openAt(t, path);
  await commit(first, ...Array.from({ length: 3000 }, (_, i) => send(`m${i}`)), {
    kind: 'write',
    group: 'g',
    stream: 's',
    at: 0,
    lines: [{ at: 0, text: 'gone' }],
  });
  await commit(first, { kind: 'clear', queue: 'q' }, { kind: 'erase', group: 'g' });
  await first.close();
  const second = await openAt(t, path);
  const db = new DatabaseSync(path, { readOnly: true });
  atEnd(t, () => db.close());
  const left = db.prepare(
    `SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM bodies) + (SELECT count(*) FROM queues)
          + (SELECT count(*) FROM chunks) + (SELECT count(*) FROM streams) + (SELECT count(*) FROM log_groups) AS n`,
  );
  await eventually(() => left.get()?.n === 0, { what: 'nothing is left' });
  await commit(second, send('new'));
});

test('the log does not grow without end', async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  const store = await openAt(t, path);
  const body = 'x'.repeat(10_000);
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => commit(store, send(`m${round}/${i}`, { body }))));
  }
  assert.ok(statSync(`${path}-wal`).size < 40 * 2 ** 20, 'checkpoints put it back into the database');
});
