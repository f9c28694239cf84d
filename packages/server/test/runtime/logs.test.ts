/** Function output: AWS's lines, in order, each with the run it belongs to. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Outcome } from '../../src/domain/invocation.ts';
import { createHarness, errorOf, type Harness, payloadOf, until } from './harness.ts';

const ISO = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z';

describe('function output', () => {
  let harness: Harness;

  before(async () => {
    harness = await createHarness();
  });
  after(() => harness.close());

  async function runOnce(source: string, event: unknown = {}, overrides = {}) {
    const spec = await harness.deploy({ 'index.mjs': source }, overrides);
    const request = harness.request(spec, event);
    const outcome = await harness.executor.run(request, { logTail: true });
    return { spec, outcome, requestId: request.requestId, lines: harness.logOf(request.requestId) };
  }
  const tailOf = (outcome: Outcome) => ('report' in outcome ? outcome.report.logTail?.toString() : undefined);

  test('a cold run and a warm one, line by line', async () => {
    const { spec, outcome, requestId, lines } = await runOnce(
      'console.log("init"); export const handler = async (e) => { console.log("got", e); console.error("bad\\nnews"); return 1; };',
      { a: 1 },
    );
    assert.equal(payloadOf(outcome), 1);
    const patterns = [
      /^INIT_START Runtime Version: nodejs:\d+\.\d+\.\d+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n$/,
      new RegExp(`^${ISO}\tundefined\tINFO\tinit\n$`),
      new RegExp(`^START RequestId: ${requestId} Version: \\$LATEST\n$`),
      new RegExp(`^${ISO}\t${requestId}\tINFO\tgot \\{ a: 1 \\}\n$`),
      new RegExp(`^${ISO}\t${requestId}\tERROR\tbad\nnews\n$`),
      new RegExp(`^END RequestId: ${requestId}\n$`),
      new RegExp(
        `^REPORT RequestId: ${requestId}\tDuration: \\d+\\.\\d\\d ms\tBilled Duration: \\d+ ms\tMemory Size: 256 MB\tMax Memory Used: \\d+ MB\tInit Duration: \\d+\\.\\d\\d ms\t\n$`,
      ),
    ];
    assert.equal(lines.length, patterns.length, lines.join(''));
    for (const [i, pattern] of patterns.entries()) assert.match(lines[i] as string, pattern);
    assert.equal(tailOf(outcome), lines.slice(1).join(''), 'the tail has no INIT_START');
    assert.ok(outcome.kind === 'succeeded');
    const { report } = outcome;
    assert.match(report.logStream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
    assert.equal(report.billedMs, Math.ceil(report.durationMs + (report.initMs as number)));

    const warm = harness.request(spec, {});
    await harness.executor.run(warm);
    const [start, , , end, reportLine] = harness.logOf(warm.requestId);
    assert.match(start as string, /^START/);
    assert.match(end as string, /^END/);
    assert.doesNotMatch(reportLine as string, /Init Duration/);
  });

  test('errors are logged as the runtime does', async () => {
    const { outcome, requestId, lines } = await runOnce(
      'export const handler = async () => { const e = new Error("boom"); e.code = "E1"; throw e; };',
    );
    errorOf(outcome);
    const line = lines.find((text) => text.includes('Invoke Error')) as string;
    const [, id, level, rest] = line.split('\t') as [string, string, string, string];
    assert.equal(id, requestId);
    assert.equal(level, 'ERROR');
    assert.equal(rest, 'Invoke Error ');
    const logged = JSON.parse(line.slice(line.indexOf('{')));
    assert.deepEqual(Object.keys(logged), ['errorType', 'errorMessage', 'code', 'stack']);
    assert.match(logged.stack[1], /file:\/\/\/var\/task\/index\.mjs/);
  });

  test('the report says how a run without an answer ended', async () => {
    const crash = await runOnce('export const handler = async () => process.exit(1);');
    assert.match(crash.lines.at(-1) as string, /\tStatus: error\tError Type: Runtime\.ExitError\n$/);
    const slow = await runOnce(
      'export const handler = () => new Promise((r) => setTimeout(r, 60_000));',
      {},
      { timeoutMs: 300 },
    );
    assert.match(
      slow.lines.at(-1) as string,
      /\tDuration: 300\.00 ms\tBilled Duration: \d+ ms\t.*\tStatus: timeout\n$/,
    );
  });

  test('standard output and error, whole lines; an unfinished one goes to the next run', async () => {
    const spec = await harness.deploy({
      'index.mjs': `export const handler = async (n) => {
        process.stdout.write('one ' + n + '\\ntwo ');
        process.stdout.write(n + '\\nrest of ' + n);
        process.stderr.write('');
      };`,
    });
    const [first, second] = [harness.request(spec, 1), harness.request(spec, 2)];
    await harness.executor.run(first);
    await harness.executor.run(second);
    assert.deepEqual(harness.logOf(first.requestId).slice(2, -2), ['one 1\n', 'two 1\n']);
    assert.deepEqual(harness.logOf(second.requestId).slice(1, -2), ['rest of 1one 2\n', 'two 2\n']);
  });

  test('what is written behind the runtime’s back belongs to its run', async () => {
    const spec = await harness.deploy({
      'index.mjs': `import fs from 'node:fs';
        import { execFileSync } from 'node:child_process';
        export const handler = async (n) => {
          fs.writeSync(1, 'descriptor ' + n + '\\n');
          execFileSync('/bin/sh', ['-c', 'echo child ' + n + ' >&2'], { stdio: 'inherit' });
          console.log('console ' + n);
        };`,
    });
    const requests = Array.from({ length: 12 }, (_, n) => harness.request(spec, n));
    await Promise.all(requests.map((request) => harness.executor.run(request)));
    for (const [n, { requestId }] of requests.entries()) {
      const own = harness.logOf(requestId).filter((text) => /descriptor|child|console/.test(text));
      assert.equal(own.length, 3, own.join(''));
      for (const text of own) assert.match(text, new RegExp(` ${n}\n$`));
    }
  });

  test('output of the last moments of a process is not lost', async () => {
    const { lines } = await runOnce(
      `import fs from 'node:fs';
       export const handler = async () => {
         for (let i = 0; i < 500; i++) console.log('line ' + i);
         fs.writeSync(2, 'last words');
         process.kill(process.pid, 'SIGKILL');
         await new Promise(() => {});
       };`,
    );
    for (let i = 0; i < 500; i++) assert.match(lines[i + 2] as string, new RegExp(`\tline ${i}\n$`));
    assert.equal(lines[502], 'last words');
  });

  test('a long event stays one event', async () => {
    const { lines } = await runOnce('export const handler = async () => console.log("x\\n".repeat(50_000));');
    assert.equal(lines.filter((text) => text.includes('x\n')).length, 1);
  });

  test('the tail is the last 4,096 bytes', async () => {
    const { outcome, lines } = await runOnce(
      'export const handler = async () => { for (let i = 0; i < 200; i++) console.log("ü".repeat(50)); };',
    );
    const all = Buffer.from(lines.join(''));
    assert.ok(outcome.kind === 'succeeded');
    assert.deepEqual(outcome.report.logTail, all.subarray(all.length - 4096));
  });

  test('a run that lasts shows its output before it ends', async () => {
    const spec = await harness.deploy(
      {
        'index.mjs':
          'export const handler = async () => { console.log("early"); await new Promise((r) => setTimeout(r, 2_500)); };',
      },
      { timeoutMs: 10_000 },
    );
    const request = harness.request(spec);
    const running = harness.executor.run(request);
    await until(
      () => harness.logOf(request.requestId).some((text) => text.includes('early')),
      'early output',
    );
    assert.ok(!harness.logOf(request.requestId).some((text) => text.startsWith('END')));
    await running;
  });

  test('JSON: the platform’s lines and the function’s', async () => {
    const { requestId, lines } = await runOnce(
      `export const handler = async () => {
        console.log('plain %d', 1);
        console.warn({ an: 'object' });
        console.error('with', new RangeError('inside'));
        console.debug('below the level');
        throw new TypeError('thrown');
      };`,
      {},
      { logFormat: 'JSON' },
    );
    const entries = lines.map((text) => JSON.parse(text));
    assert.deepEqual(
      entries.map((entry) => entry.type ?? entry.level),
      [
        ...['platform.initStart', 'platform.start', 'INFO', 'WARN', 'ERROR', 'ERROR'],
        ...['platform.runtimeDone', 'platform.report'],
      ],
    );
    const [initStart, start, plain, object, withError, thrown, , report] = entries;
    assert.equal(initStart.record.initializationType, 'on-demand');
    assert.deepEqual(start.record, { requestId, version: '$LATEST' });
    assert.deepEqual(Object.keys(plain), ['timestamp', 'level', 'requestId', 'message']);
    assert.equal(plain.message, 'plain 1');
    assert.equal(plain.requestId, requestId);
    assert.deepEqual(object.message, { an: 'object' });
    assert.equal(withError.errorType, 'RangeError');
    assert.equal(withError.errorMessage, 'inside');
    assert.equal(thrown.message.errorType, 'TypeError');
    assert.equal(report.record.status, 'failure');
    assert.equal(report.record.requestId, requestId);
    assert.ok(report.record.metrics.initDurationMs > 0);
  });

  test('JSON: levels of the platform and of the function', async () => {
    const source = `export const handler = async (fail) => {
      for (const level of ['trace', 'debug', 'info', 'warn', 'error']) console[level](level);
      if (fail) throw new Error('failed');
    };`;
    const kindsOf = async (systemLogLevel: string, applicationLogLevel: string, fail: boolean) => {
      const { lines } = await runOnce(source, fail, {
        logFormat: 'JSON',
        systemLogLevel,
        applicationLogLevel,
      });
      return lines.map((text) => JSON.parse(text)).map((entry) => entry.type ?? entry.level);
    };
    assert.deepEqual(await kindsOf('WARN', 'ERROR', false), ['ERROR']);
    assert.deepEqual(await kindsOf('WARN', 'FATAL', true), ['platform.runtimeDone', 'platform.report']);
    assert.deepEqual(await kindsOf('DEBUG', 'WARN', false), [
      ...['platform.initStart', 'platform.initRuntimeDone', 'platform.initReport', 'platform.start'],
      ...['WARN', 'ERROR', 'platform.runtimeDone', 'platform.report'],
    ]);
  });
});
