/** A process killed while it commits: everything it said was committed is there, everything else is whole or absent. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SystemRandom } from '../../src/platform/random.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { tempFolder } from '../support/temp-folder.ts';

const CHILD = fileURLToPath(new URL('./committing-child.ts', import.meta.url));
const KILLS = Number(process.env.REDRIVE_TEST_KILLS ?? 8);
const MAX_LINES = 400;

/** Runs the child until it has said some number of things, kills it, and returns all it said. */
async function runAndKill(t: Cleanup, path: string, run: number, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, path, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  const said: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    said.push(line);
    if (said.length === lines) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(reader, 'close')]);
  return said;
}

test(`killed ${KILLS} times in the middle of commits, nothing that resolved is missing`, async (t) => {
  const path = join(await tempFolder(t), 'redrive.db');
  const random = new SystemRandom();
  const accepted = new Set<string>();
  const settled = new Set<string>();
  for (let run = 0; run < KILLS; run++) {
    const said = await runAndKill(t, path, run, 1 + Math.floor(random.next() * MAX_LINES));
    for (const line of said) {
      const [what, id] = line.split(' ') as [string, string];
      (what === 'accepted' ? accepted : settled).add(id);
    }
    const store = await openSqliteStore({ path });
    try {
      for (const id of accepted) {
        const found = await store.readSubject(id);
        assert.ok(found, `${id} was accepted and is gone`);
        assert.equal(found.subject.payload, id.repeat(50));
        assert.equal(found.entries[0]?.kind, 'accepted');
        if (settled.has(id)) assert.equal(found.subject.status, 'Succeeded');
      }
      const report = await store.audit();
      const counters = await store.readCounters('');
      const books = await store.readBooks('q');
      assert.deepEqual({ lost: report.lost.count, drift: report.drift }, { lost: 0, drift: [] });
      assert.equal(report.accepted, counters.accepted);
      assert.equal(report.statuses.Succeeded ?? 0, counters.settled ?? 0);
      assert.equal(report.pending, books.messages, 'each pending subject has its one message');
      await store.releaseHolders([], 0);
      assert.equal((await store.readDepth('q', 0)).inFlight, 0);
    } finally {
      await store.close();
    }
  }
  assert.ok(accepted.size > 0);
});
