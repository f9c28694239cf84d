/** What keeps functions apart, in each tier this machine has. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { probeIsolation } from '../../src/runtime/isolation.ts';
import { RUNTIME_DIR } from '../../src/runtime/runtimes.ts';
import { createHarness, errorOf, type Harness, payloadOf, until } from './harness.ts';

/** Outside /tmp: what lies there would be covered by a private one. */
const PARENT = '/var/tmp';

const probeRoot = await mkdtemp(`${PARENT}/redrive-probe-`);
const { tier: best, reason } = await probeIsolation('auto', probeRoot, [RUNTIME_DIR, process.execPath]);
await rm(probeRoot, { recursive: true });

for (const tier of ['basic', 'namespaces'] as const) {
  const skip = tier === 'namespaces' && best === 'basic' && `not on this machine: ${reason}`;
  describe(`isolation: ${tier}`, { skip }, () => {
    let harness: Harness;

    before(async () => {
      harness = await createHarness({ isolation: tier, parentFolder: PARENT });
    });
    after(() => harness.close());

    const FILES = `import fs from 'node:fs';
      import os from 'node:os';
      export const handler = async (event) => {
        const file = os.tmpdir() + '/redrive-isolation-test';
        if (event.write) fs.writeFileSync(file, event.write);
        if (event.crash) process.exit(1);
        return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
      };`;

    test('the temporary folder is the environment’s own and outlives its processes', async () => {
      const [one, two] = [
        await harness.deploy({ 'index.mjs': FILES }),
        await harness.deploy({ 'index.mjs': FILES }),
      ];
      assert.equal(payloadOf(await harness.run(one, { write: 'one' })), 'one');
      assert.equal(payloadOf(await harness.run(two)), null);
      errorOf(await harness.run(one, { write: 'before the crash', crash: true }));
      assert.equal(payloadOf(await harness.run(one)), 'before the crash');
      assert.equal(payloadOf(await harness.run(two)), null);
    });

    test('a child that leaves the process group does not survive it', async () => {
      const spec = await harness.deploy(
        {
          'index.mjs': `import { spawn } from 'node:child_process';
            export const handler = async (event) => {
              if (event === 'pid') return globalThis.pid;
              const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
              globalThis.pid = child.pid;
              if (event === 'hang') await new Promise((r) => setTimeout(r, 60_000));
              return child.pid;
            };`,
        },
        { timeoutMs: 500 },
      );
      const pid = payloadOf(await harness.run(spec, 'go')) as number;
      assert.ok(existsSync(`/proc/${pid}`));
      errorOf(await harness.run(spec, 'hang'));
      const gone = () =>
        readFile(`/proc/${pid}/stat`, 'latin1').then(
          (stat) => /\) Z/.test(stat),
          () => true,
        );
      await until(gone, 'the child is gone');
    });

    test('the tier is told', async () => {
      await until(() => harness.executor.describe().isolation.tier !== 'unknown', 'a tier');
      assert.equal(harness.executor.describe().isolation.tier, tier);
    });

    if (tier === 'namespaces') {
      test('/tmp itself is private', async () => {
        // A name of its own: what another run may have left in the machine's /tmp says nothing about this one.
        const name = `redrive-private-${randomUUID()}`;
        const spec = await harness.deploy({
          'index.mjs': `import fs from 'node:fs';
            export const handler = async () => { fs.writeFileSync('/tmp/${name}', 'x'); return [process.env.TMPDIR ?? null, fs.readdirSync('/tmp')]; };`,
        });
        assert.deepEqual(payloadOf(await harness.run(spec)), [null, [name]]);
        assert.ok(!existsSync(`/tmp/${name}`));
      });
    }
  });
}

test('a data folder below /tmp leaves the basic tier, and says why', async () => {
  const found = await probeIsolation('auto', '/tmp/somewhere/environments', []);
  assert.equal(found.tier, 'basic');
  assert.match(found.reason as string, /^\/tmp\/somewhere\/environments lies below \/tmp/);
});
