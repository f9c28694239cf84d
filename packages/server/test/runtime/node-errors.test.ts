/** Every way a Node function can fail, with the error a caller of AWS gets. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FunctionSpec, Outcome } from '../../src/domain/invocation.ts';
import { createHarness, errorOf, type Harness, payloadOf } from './harness.ts';

describe('errors of Node functions', () => {
  let harness: Harness;

  before(async () => {
    harness = await createHarness({ limits: { initTimeoutMs: 400 } });
  });
  after(() => harness.close());

  async function fail(
    source: string,
    event: unknown = {},
    overrides: Partial<FunctionSpec> = {},
    file = 'index.mjs',
  ): Promise<{ error: Record<string, unknown>; outcome: Outcome; requestId: string; spec: FunctionSpec }> {
    const spec = await harness.deploy({ [file]: source }, overrides);
    const request = harness.request(spec, event);
    const outcome = await harness.executor.run(request, { logTail: true });
    return { error: errorOf(outcome), outcome, requestId: request.requestId, spec };
  }

  test('a thrown error: type, message and trace as AWS shows paths', async () => {
    const { error, outcome } = await fail(
      'export const handler = async () => { throw new RangeError("too far"); };',
    );
    assert.deepEqual(Object.keys(error), ['errorType', 'errorMessage', 'trace']);
    assert.equal(error.errorType, 'RangeError');
    assert.equal(error.errorMessage, 'too far');
    const trace = error.trace as string[];
    assert.equal(trace[0], 'RangeError: too far');
    assert.match(trace[1] as string, /at handler \(file:\/\/\/var\/task\/index\.mjs:1:\d+\)/);
    assert.ok(outcome.kind === 'functionError' && outcome.errorMessage === 'too far');
  });

  test('a sync handler that throws, a class of its own, a name of its own', async () => {
    const { error } = await fail(
      'class Refused extends Error { name = "Refused" } export const handler = () => { throw new Refused("no"); };',
    );
    assert.equal(error.errorType, 'Refused');
    assert.equal(error.errorMessage, 'no');
  });

  for (const [thrown, errorType, errorMessage] of [
    ['"a string"', 'string', 'a string'],
    ['42', 'number', '42'],
    ['null', 'object', 'null'],
    ['undefined', 'undefined', 'undefined'],
    ['{ a: 1 }', 'object', '[object Object]'],
  ] as const) {
    test(`throwing ${thrown}`, async () => {
      const { error } = await fail(
        `export const handler = async () => { throw ${thrown}; };`,
        {},
        { runtime: 'nodejs24.x' },
      );
      assert.deepEqual(error, { errorType, errorMessage, trace: [] });
    });
  }

  test('a hostile error object', async () => {
    const { error } = await fail(
      'export const handler = async () => { const e = new Error("x"); Object.defineProperty(e, "message", { get() { throw 1 } }); throw e; };',
    );
    assert.equal(error.errorType, 'handled');
  });

  test('timeout', async () => {
    const { error, outcome, requestId } = await fail(
      'export const handler = () => new Promise((r) => setTimeout(r, 60_000));',
      {},
      { timeoutMs: 1_000 },
    );
    assert.deepEqual(error, {
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 1.00 seconds`,
    });
    assert.ok(outcome.kind === 'functionError');
    assert.equal(outcome.report.durationMs, 1000);
  });

  test('timeout of a handler that never gives the processor back', async () => {
    const { error, requestId } = await fail(
      'export const handler = () => { for (;;); };',
      {},
      { timeoutMs: 500 },
    );
    assert.equal(error.errorMessage, `RequestId: ${requestId} Error: Task timed out after 0.50 seconds`);
  });

  for (const [code, message] of [
    [0, 'Runtime exited without providing a reason'],
    [1, 'Runtime exited with error: exit status 1'],
    [127, 'Runtime exited with error: exit status 127'],
  ] as const) {
    test(`process.exit(${code})`, async () => {
      const { error, requestId } = await fail(`export const handler = async () => process.exit(${code});`);
      assert.deepEqual(error, {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${requestId} Error: ${message}`,
      });
    });
  }

  for (const [signal, word] of [
    ['SIGKILL', 'killed'],
    ['SIGTERM', 'terminated'],
    ['SIGSEGV', 'segmentation fault'],
    ['SIGABRT', 'aborted'],
  ] as const) {
    test(`a signal: ${signal}`, async () => {
      const { error } = await fail(
        `export const handler = () => new Promise(() => process.kill(process.pid, "${signal}"));`,
      );
      assert.equal(error.errorType, 'Runtime.ExitError');
      assert.ok(
        (error.errorMessage as string).endsWith(`Runtime exited with error: signal: ${word}`),
        `${error.errorMessage}`,
      );
    });
  }

  test('more memory than there is', async () => {
    const { error, outcome } = await fail(
      'export const handler = async () => { const all = []; for (;;) { all.push(Buffer.alloc(8_000_000, 1)); await new Promise((r) => setTimeout(r, 5)); } };',
      {},
      { memoryMb: 128 },
    );
    assert.equal(error.errorType, 'Runtime.ExitError');
    assert.match(error.errorMessage as string, /Runtime exited with error: signal: killed$/);
    assert.ok(outcome.kind === 'functionError');
    assert.equal(outcome.report.maxMemoryMb, 128);
  });

  test('memory of child processes counts', async () => {
    const { error } = await fail(
      `import { spawn } from 'node:child_process';
       export const handler = () => new Promise(() => spawn(process.execPath, ['-e', 'const a=[];setInterval(()=>a.push(Buffer.alloc(8e6,1)),5)']));`,
      {},
      { memoryMb: 160, timeoutMs: 10_000 },
    );
    assert.match(error.errorMessage as string, /signal: killed$/);
  });

  test('a module that is not there', async () => {
    const { error } = await fail(
      'const x = require("not-there"); exports.handler = async () => 1;',
      {},
      {},
      'index.js',
    );
    assert.equal(error.errorType, 'Runtime.ImportModuleError');
    assert.equal(
      error.errorMessage,
      "Error: Cannot find module 'not-there'\nRequire stack:\n- /var/task/index.js\n- /var/runtime/index.mjs",
    );
  });

  test('a package that an ES module imports and that is not there', async () => {
    const { error } = await fail('import x from "not-there"; export const handler = async () => 1;');
    assert.equal(error.errorType, 'Error');
    assert.equal(error.errorMessage, "Cannot find package 'not-there' imported from /var/task/index.mjs");
  });

  test('no handler file', async () => {
    const { error } = await fail('export const handler = 1', {}, { handler: 'other.handler' });
    assert.equal(error.errorType, 'Runtime.ImportModuleError');
    assert.match(
      error.errorMessage as string,
      /^Error: Cannot find module 'other'\nRequire stack:\n- \/var\/runtime\/index\.mjs$/,
    );
  });

  test('no such export', async () => {
    const { error } = await fail('export const other = async () => 1;');
    assert.equal(error.errorType, 'Runtime.HandlerNotFound');
    assert.equal(error.errorMessage, 'index.handler is undefined or not exported');
  });

  test('an export that is no function', async () => {
    const { error } = await fail('export const handler = "text";');
    assert.equal(error.errorType, 'Runtime.HandlerNotFound');
    assert.equal(error.errorMessage, 'index.handler is not a function');
  });

  for (const file of ['index.js', 'index.mjs', 'index.cjs']) {
    test(`a syntax error in ${file}`, async () => {
      const { error } = await fail('const handler = async ( => 1;', {}, {}, file);
      assert.equal(error.errorType, 'Runtime.UserCodeSyntaxError');
      assert.match(error.errorMessage as string, /^SyntaxError: /);
      // Node keeps the place of a syntax error in an ES module to itself.
      if (file !== 'index.mjs') assert.match((error.trace as string[])[0] as string, /^\/var\/task\/index\./);
    });
  }

  for (const [handler, message] of [
    ['nodot', 'Bad handler'],
    [
      '../index.handler',
      "'../index.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names.",
    ],
  ] as const) {
    test(`a bad handler name: ${handler}`, async () => {
      const { error } = await fail('export const handler = async () => 1;', {}, { handler });
      assert.equal(error.errorType, 'Runtime.MalformedHandlerName');
      assert.equal(error.errorMessage, message);
    });
  }

  test('an error while the module loads', async () => {
    const { error, spec } = await fail(
      'throw new TypeError("at load"); export const handler = async () => 1;',
    );
    assert.equal(error.errorType, 'TypeError');
    assert.equal(error.errorMessage, 'at load');
    const texts = harness.lines.filter((line) => line.group === spec.logGroup).map((line) => line.text);
    assert.equal(texts.filter((text) => text.includes('Uncaught Exception')).length, 2, 'initialised twice');
    assert.ok(
      texts.some((text) =>
        /^INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: TypeError\n$/.test(
          text,
        ),
      ),
    );
    assert.ok(texts.some((text) => /\tPhase: invoke\tStatus: error\tError Type: TypeError\n$/.test(text)));
  });

  test('process.exit while the module loads', async () => {
    const { error, requestId } = await fail('process.exit(3); export const handler = async () => 1;');
    assert.deepEqual(error, {
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: exit status 3`,
    });
  });

  test('an await at the top that never ends', async () => {
    const { error } = await fail('await new Promise(() => {}); export const handler = async () => 1;');
    assert.match(error.errorMessage as string, /Runtime exited with error: exit status 13$/);
  });

  test('an initialisation over its time is repeated in the run, under the timeout of the function', async () => {
    const { error, requestId, spec } = await fail(
      'await new Promise((r) => setTimeout(r, 60_000)); export const handler = async () => 1;',
      {},
      { timeoutMs: 600 },
    );
    assert.deepEqual(error, {
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 0.60 seconds`,
    });
    const texts = harness.lines.filter((line) => line.group === spec.logGroup).map((line) => line.text);
    assert.ok(
      texts.some((text) =>
        /^INIT_REPORT Init Duration: 4\d\d\.\d\d ms\tPhase: init\tStatus: timeout\n$/.test(text),
      ),
    );
  });

  test('an initialisation over its time that then fits into the run', async () => {
    const spec = await harness.deploy(
      {
        'index.mjs':
          'await new Promise((r) => setTimeout(r, 500)); export const handler = async () => "late";',
      },
      { timeoutMs: 3_000 },
    );
    const outcome = await harness.run(spec);
    assert.equal(payloadOf(outcome), 'late');
    assert.ok(
      outcome.kind === 'succeeded' && outcome.report.durationMs >= 500 && outcome.report.initMs === undefined,
    );
  });

  test('a rejection nobody handles', async () => {
    const { error, spec } = await fail(
      'export const handler = () => new Promise(() => { Promise.reject(new Error("forgotten")); });',
    );
    assert.equal(error.errorType, 'Runtime.UnhandledPromiseRejection');
    assert.equal(error.errorMessage, 'Error: forgotten');
    assert.equal(
      payloadOf(
        await harness.run(
          await harness.deploy({ 'index.mjs': 'export const handler = async () => 1;' }, { name: spec.name }),
        ),
      ),
      1,
    );
  });

  test('an exception nobody catches', async () => {
    const { error } = await fail(
      'export const handler = () => new Promise(() => { setTimeout(() => { throw new Error("astray"); }, 1); });',
    );
    assert.equal(error.errorType, 'Error');
    assert.equal(error.errorMessage, 'astray');
  });

  test('an async handler whose promise never settles', async () => {
    const { error } = await fail('export const handler = async () => { await new Promise(() => {}); };');
    assert.equal(error.errorType, 'Runtime.NodeJsExit');
    assert.match(error.errorMessage as string, /Promise that was never settled/);
  });

  test('a result that is no JSON', async () => {
    const { error } = await fail(
      'export const handler = async () => { const a = {}; a.a = a; return a; };',
      {},
      { runtime: 'nodejs24.x' },
    );
    assert.equal(error.errorType, 'Runtime.JSONStringifyError');
    assert.equal(error.errorMessage, 'Unable to stringify response body');
  });

  test('a response over 6 MB, and one just under it', async () => {
    const { error, outcome } = await fail('export const handler = async (n) => "x".repeat(n);', 6_291_555);
    assert.deepEqual(Object.entries(error), [
      ['errorMessage', 'Response payload size exceeded maximum allowed payload size (6291556 bytes).'],
      ['errorType', 'Function.ResponseSizeTooLarge'],
    ]);
    assert.ok(outcome.kind === 'functionError');
    const spec = await harness.deploy({ 'index.mjs': 'export const handler = async (n) => "x".repeat(n);' });
    const fits = await harness.run(spec, 6_291_554);
    assert.ok(fits.kind === 'succeeded' && fits.payload.length === 6_291_556);
  });

  test('callbacks are refused from Node 24 on', async () => {
    const source = 'export const handler = (event, context, callback) => callback(null, 1);';
    const { error } = await fail(source, {}, { runtime: 'nodejs24.x' });
    assert.equal(error.errorType, 'Runtime.CallbackHandlerDeprecated');
    assert.match(error.errorMessage as string, /^ERROR: AWS Lambda has removed support for callback-based/);
    assert.equal(
      payloadOf(await harness.run(await harness.deploy({ 'index.mjs': source }, { runtime: 'nodejs22.x' }))),
      1,
    );
  });

  test('after a crash or a timeout memory is new and /tmp is kept', async () => {
    const spec = await harness.deploy(
      {
        'index.mjs': `import { existsSync, writeFileSync } from 'node:fs';
          let runs = 0;
          export const handler = async (event) => {
            runs++;
            const file = process.env.TMPDIR + '/kept';
            const kept = existsSync(file);
            writeFileSync(file, 'x');
            if (event === 'crash') process.exit(1);
            if (event === 'hang') await new Promise((r) => setTimeout(r, 60_000));
            return { runs, kept };
          };`,
      },
      { timeoutMs: 500 },
    );
    assert.deepEqual(payloadOf(await harness.run(spec)), { runs: 1, kept: false });
    assert.deepEqual(payloadOf(await harness.run(spec)), { runs: 2, kept: true });
    errorOf(await harness.run(spec, 'crash'));
    assert.deepEqual(payloadOf(await harness.run(spec)), { runs: 1, kept: true });
    errorOf(await harness.run(spec, 'hang'));
    assert.deepEqual(payloadOf(await harness.run(spec)), { runs: 1, kept: true });
  });

  test('a runtime that nothing here runs', async () => {
    const spec = await harness.deploy({ 'index.mjs': '' }, { runtime: 'java21' });
    const outcome = await harness.run(spec);
    assert.deepEqual(outcome, { kind: 'systemError', message: 'Nothing on this machine runs java21.' });
  });

  test('code that is not there is the fault of the house', async () => {
    const spec = await harness.deploy({ 'index.mjs': '' }, { codeSha256: '0'.repeat(64) });
    const outcome = await harness.run(spec);
    assert.equal(outcome.kind, 'systemError');
  });
});
