/** What the executor promises whatever functions do: one run at a time, exactly one answer, no stray process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { SeededRandom } from '../../src/platform/random.ts';
import { endOrphans } from '../../src/runtime/orphans.ts';
import { readStartTime } from '../../src/runtime/process.ts';
import { createHarness, errorOf, type Harness, payloadOf, until } from './harness.ts';

const ECHO = 'export const handler = async (event) => event;';
const SLEEP = 'export const handler = (ms) => new Promise((resolve) => setTimeout(() => resolve(ms), ms));';

/** A zombie is not alive: it only waits for init to notice. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z';
  } catch {
    return false;
  }
}

describe('executor', () => {
  const open: Harness[] = [];
  const create: typeof createHarness = async (overrides) => {
    const harness = await createHarness(overrides);
    open.push(harness);
    return harness;
  };
  afterEach(async () => {
    for (const harness of open.splice(0)) await harness.close();
  });

  test('runs sent ahead: each begins once, one at a time, and gets its own answer', async () => {
    const harness = await create({ limits: { maxEnvironments: 3 } });
    const journal = join(harness.dataDir, 'journal');
    await appendFile(journal, '');
    const spec = await harness.deploy(
      {
        'index.mjs': `import fs from 'node:fs';
          let active = 0;
          const pause = (ms) => new Promise((r) => setTimeout(r, ms));
          export const handler = async (event, context) => {
            fs.appendFileSync(${JSON.stringify(journal)}, context.awsRequestId + '\\n');
            if (++active > 1) throw new Error('two at once');
            if (event.kind === 'pause') await pause(event.ms);
            if (event.kind === 'spin') for (const end = Date.now() + event.ms; Date.now() < end; );
            if (event.kind === 'exit') process.exit(1);
            if (event.kind === 'throw') { active--; throw new Error('asked to'); }
            if (event.kind === 'hang') await pause(60_000);
            if (event.kind === 'later') setTimeout(() => {}, 30);
            active--;
            return event.n;
          };`,
      },
      { timeoutMs: 2_000 },
    );
    const random = new SeededRandom(7);
    const kindOf = (n: number) => {
      const roll = random.next();
      if (n % 1_200 === 1_100) return { kind: 'hang' };
      if (roll < 0.004) return { kind: 'exit' };
      if (roll < 0.02) return { kind: 'pause', ms: random.next() * 60 };
      if (roll < 0.03) return { kind: 'spin', ms: random.next() * 50 };
      if (roll < 0.06) return { kind: 'throw' };
      return { kind: roll < 0.1 ? 'later' : 'fast' };
    };
    const runs = Array.from({ length: 4_000 }, (_, n) => ({ n, ...kindOf(n) }));
    const ids = new Map<number, string>();
    const started = new Map<number, number>();
    await Promise.all(
      runs.map(async (event) => {
        const request = harness.request(spec, event);
        ids.set(event.n, request.requestId);
        const outcome = await harness.executor.run(request, {
          onStart: () => started.set(event.n, (started.get(event.n) ?? 0) + 1),
        });
        switch (event.kind) {
          case 'exit':
            assert.equal(errorOf(outcome).errorType, 'Runtime.ExitError');
            break;
          case 'hang':
            assert.equal(errorOf(outcome).errorType, 'Sandbox.Timedout');
            break;
          case 'throw':
            assert.equal(errorOf(outcome).errorMessage, 'asked to');
            break;
          default:
            assert.equal(payloadOf(outcome), event.n);
        }
      }),
    );
    const begun = (await readFile(journal, 'utf8')).trim().split('\n');
    assert.equal(begun.length, runs.length, 'no run began twice');
    assert.equal(new Set(begun).size, runs.length, 'every run began');
    for (const { n } of runs) {
      // More than once when a process lost the processor between announcing a run and beginning it.
      assert.ok((started.get(n) ?? 0) >= 1);
      const lines = harness.logOf(ids.get(n) as string);
      assert.equal(lines.filter((text) => text.startsWith('START ')).length, 1);
      assert.equal(lines.filter((text) => text.startsWith('REPORT ')).length, 1);
    }
  });

  test('a slow run does not hold up those that were sent behind it', async () => {
    const harness = await create();
    const spec = await harness.deploy({ 'index.mjs': SLEEP }, { timeoutMs: 10_000 });
    // Fast runs open the window.
    for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 20 }, () => harness.run(spec, 0)));
    const slow = harness.run(spec, 2_000);
    const begin = performance.now();
    await Promise.all(Array.from({ length: 30 }, () => harness.run(spec, 0)));
    assert.ok(performance.now() - begin < 1_500, 'the others went elsewhere');
    payloadOf(await slow);
  });

  test('environments grow with slow runs and runs are spread over them', async () => {
    const harness = await create({ limits: { maxEnvironments: 6 } });
    const spec = await harness.deploy({ 'index.mjs': SLEEP }, { timeoutMs: 10_000 });
    const outcomes = await Promise.all(Array.from({ length: 18 }, () => harness.run(spec, 300)));
    const environments = new Set(
      outcomes.map((outcome) => 'report' in outcome && outcome.report.environmentId),
    );
    assert.equal(environments.size, 6);
  });

  test('urgent runs go first and may exceed the number of environments', async () => {
    const harness = await create({ limits: { maxEnvironments: 1 } });
    const spec = await harness.deploy({ 'index.mjs': SLEEP }, { timeoutMs: 10_000 });
    const ended: string[] = [];
    const backlog = Array.from({ length: 4 }, () => harness.run(spec, 300).then(() => ended.push('backlog')));
    await harness.run(spec, 0, { urgent: true }).then(() => ended.push('urgent'));
    assert.ok(ended.length <= 2, ended.join());
    await Promise.all(backlog);
  });

  test('a concurrency limit holds, over versions', async () => {
    const harness = await create();
    const journal = join(harness.dataDir, 'journal');
    const source = `import fs from 'node:fs';
      const note = (sign) => fs.appendFileSync(${JSON.stringify(journal)}, sign);
      export const handler = async (ms) => { note('+'); await new Promise((r) => setTimeout(r, ms)); note('-'); };`;
    const specs = await Promise.all(
      ['1', '2'].map((version) =>
        harness.deploy({ 'index.mjs': source }, { name: 'limited', version, timeoutMs: 10_000 }),
      ),
    );
    const arn = specs[0]?.arn as string;
    harness.executor.limit(arn, 2);
    await Promise.all(
      Array.from({ length: 14 }, async (_, n) => {
        const spec = specs[n % 2] as (typeof specs)[0];
        payloadOf(await harness.executor.run(harness.request(spec, 60), { urgent: n > 10 }));
      }),
    );
    let now = 0;
    let most = 0;
    for (const sign of await readFile(journal, 'utf8')) {
      now += sign === '+' ? 1 : -1;
      most = Math.max(most, now);
    }
    assert.equal(most, 2);
    assert.equal(harness.executor.concurrency(arn), 0);
  });

  test('capacity tells what may be handed over', async () => {
    const harness = await create({ limits: { maxEnvironments: 4 } });
    const spec = await harness.deploy({ 'index.mjs': ECHO });
    assert.deepEqual(harness.executor.capacity(spec), { runs: 4, concurrency: 0, waiting: 0 });
    harness.executor.limit(spec.arn, 1);
    assert.equal(harness.executor.capacity(spec).runs, 1);
    for (let i = 0; i < 10; i++) await harness.run(spec, i);
    assert.ok(harness.executor.capacity(spec).runs > 10, 'a fast function takes many at once');
  });

  test('many functions share few environments and none starves', async () => {
    const harness = await create({ limits: { maxEnvironments: 2 } });
    const greedy = await harness.deploy({ 'index.mjs': SLEEP }, { timeoutMs: 10_000 });
    let greedyDone = 0;
    const backlog = Array.from({ length: 200 }, () => harness.run(greedy, 20).then(() => greedyDone++));
    const others = await Promise.all(Array.from({ length: 12 }, () => harness.deploy({ 'index.mjs': ECHO })));
    await Promise.all(others.map((spec) => harness.run(spec)));
    assert.ok(greedyDone < 200, 'they did not wait for the backlog');
    assert.ok(harness.executor.describe().environments <= 2);
    await Promise.all(backlog);
  });

  test('idle environments end after a while', async () => {
    const harness = await create({ limits: { idleMs: 100 } });
    const spec = await harness.deploy({ 'index.mjs': ECHO });
    await harness.run(spec);
    await until(() => harness.executor.describe().environments === 0, 'no environment');
  });

  test('a process killed while idle costs nobody a run', async () => {
    const harness = await create();
    const spec = await harness.deploy({ 'index.mjs': 'export const handler = async () => process.pid;' });
    const pid = payloadOf(await harness.run(spec)) as number;
    process.kill(pid, 'SIGKILL');
    assert.notEqual(payloadOf(await harness.run(spec)), pid);
  });

  test('a function that crashes again and again is slowed down', async () => {
    const harness = await create();
    const spec = await harness.deploy({ 'index.mjs': 'export const handler = async () => process.exit(1);' });
    const begin = performance.now();
    for (let i = 0; i < 8; i++) errorOf(await harness.run(spec));
    assert.ok(performance.now() - begin > 700);
  });

  test('the whole process group goes: on timeout, on exit, on abort', async () => {
    const harness = await create();
    const spec = await harness.deploy(
      {
        'index.mjs': `import { spawn } from 'node:child_process';
          import fs from 'node:fs';
          export const handler = async ({ file, how }) => {
            const child = spawn('sh', ['-c', 'sleep 300 & wait'], { stdio: 'inherit' });
            fs.writeFileSync(file, process.pid + ' ' + child.pid);
            if (how === 'exit') process.exit(0);
            await new Promise((r) => setTimeout(r, 60_000));
          };`,
      },
      { timeoutMs: 800 },
    );
    for (const how of ['timeout', 'exit', 'abort']) {
      const file = join(harness.dataDir, how);
      const controller = new AbortController();
      const running = harness.run(spec, { file, how }, { signal: controller.signal });
      await until(
        () =>
          readFile(file, 'utf8').then(
            (text) => text.includes(' '),
            () => false,
          ),
        'pids',
      );
      if (how === 'abort') controller.abort();
      const outcome = await running;
      assert.equal(outcome.kind, how === 'abort' ? 'systemError' : 'functionError');
      const pids = (await readFile(file, 'utf8')).split(' ').map(Number);
      await until(() => pids.every((pid) => !isAlive(pid)), `${how}: processes gone`);
    }
  });

  test('a run that waits can be given up', async () => {
    const harness = await create({ limits: { maxEnvironments: 1 } });
    const spec = await harness.deploy({ 'index.mjs': SLEEP }, { timeoutMs: 10_000 });
    const first = harness.run(spec, 500);
    const controller = new AbortController();
    const second = harness.run(spec, 0, { signal: controller.signal });
    controller.abort();
    assert.equal((await second).kind, 'systemError');
    payloadOf(await first);
  });

  test('stop lets runs finish, answers those that wait, and leaves no process', async () => {
    const harness = await create({ limits: { maxEnvironments: 1 } });
    const spec = await harness.deploy(
      {
        'index.mjs':
          'export const handler = (ms) => new Promise((r) => setTimeout(() => r(process.pid), ms));',
      },
      { timeoutMs: 10_000 },
    );
    const pid = payloadOf(await harness.run(spec, 0)) as number;
    const running = harness.run(spec, 400);
    await until(() => harness.executor.describe().busy === 1, 'busy');
    const waiting = harness.run(spec, 0);
    await harness.executor.stop(5_000);
    assert.equal(payloadOf(await running), pid);
    assert.equal((await waiting).kind, 'systemError');
    assert.ok(!isAlive(pid));
    assert.equal((await harness.run(spec, 0)).kind, 'systemError');
  });

  test('stop does not wait for ever', async () => {
    const harness = await create();
    const spec = await harness.deploy({ 'index.mjs': SLEEP }, { timeoutMs: 60_000 });
    const running = harness.run(spec, 50_000);
    await until(() => harness.executor.describe().busy === 1, 'busy');
    await harness.executor.stop(100);
    assert.equal((await running).kind, 'systemError');
  });

  test('processes of a server that was killed are ended by the next one', async () => {
    const harness = await create();
    const root = join(harness.dataDir, 'left-behind');
    const orphan = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
    const bystander = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
    try {
      await mkdir(join(root, 'one'), { recursive: true });
      await mkdir(join(root, 'two'), { recursive: true });
      await writeFile(join(root, 'one', 'pid'), `${orphan.pid} ${readStartTime(orphan.pid as number)}`);
      // The pid was used again by another process since.
      await writeFile(join(root, 'two', 'pid'), `${bystander.pid} 1`);
      const gone = new Promise((resolve) => orphan.on('exit', resolve));
      endOrphans(root);
      await gone;
      assert.ok(isAlive(bystander.pid as number));
    } finally {
      orphan.kill('SIGKILL');
      bystander.kill('SIGKILL');
    }
  });
});
