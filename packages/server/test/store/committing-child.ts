/** Commits without end and says on stdout what has been committed, one line each; made to be killed. */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';

const [path, run = '0'] = process.argv.slice(2) as [string, string?];
const store = await openSqliteStore({ path });
let next = 0;

/** Opens and sends; then receives what is there, settles half of it and puts the other half back. */
async function work(): Promise<void> {
  for (;;) {
    const id = `${run}-${next++}`;
    await store.commit([
      { kind: 'open', subject: id, topic: 't', at: next, payload: id.repeat(50), data: {} },
      { kind: 'send', queue: 'q', message: { id, subject: id, dueAt: next, sentAt: next } },
      { kind: 'append', subject: id, entries: [{ at: next, kind: 'accepted' }] },
      { kind: 'count', counter: 'accepted', by: 1 },
    ]);
    writeSync(1, `accepted ${id}\n`);
    for (const message of await store.receive({
      queue: 'q',
      max: 2,
      now: next,
      leaseMs: 1000,
      holder: run,
    })) {
      const keep = message.receipt.seq % 2 === 0;
      const result = await store.commit(
        keep
          ? [{ kind: 'reschedule', receipt: message.receipt, dueAt: next + 10, release: true }]
          : [
              { kind: 'ack', receipt: message.receipt },
              {
                kind: 'append',
                subject: message.id,
                entries: [{ at: next, kind: 'fate' }],
                settle: { status: 'Succeeded' },
              },
              { kind: 'count', counter: 'settled', by: 1 },
            ],
      );
      if (result.kind === 'committed' && !keep) writeSync(1, `settled ${message.id}\n`);
    }
  }
}

await Promise.all(Array.from({ length: 8 }, work));
