/** The ways a Node function may be written, and what it sees of its surroundings. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FunctionSpec } from '../../src/domain/invocation.ts';
import { createHarness, errorOf, type Harness, payloadOf } from './harness.ts';

describe('Node functions', () => {
  let harness: Harness;

  before(async () => {
    harness = await createHarness();
  });
  after(() => harness.close());

  async function answer(
    files: Record<string, string>,
    overrides: Partial<FunctionSpec> = {},
    event: unknown = 7,
  ) {
    return payloadOf(await harness.run(await harness.deploy(files, overrides), event));
  }

  const cases: readonly [string, Record<string, string>, Partial<FunctionSpec>?][] = [
    ['.mjs', { 'index.mjs': 'export const handler = async (e) => e;' }],
    ['.cjs', { 'index.cjs': 'exports.handler = async (e) => e;' }],
    ['.js', { 'index.js': 'exports.handler = async (e) => e;' }],
    [
      '.js in a module package',
      { 'index.js': 'export const handler = async (e) => e;', 'package.json': '{"type":"module"}' },
    ],
    [
      '.ts',
      {
        'index.ts': 'export const handler = async (e: number): Promise<number> => e;',
        'package.json': '{"type":"module"}',
      },
    ],
    ['.mts', { 'index.mts': 'export const handler = async (e: number): Promise<number> => e;' }],
    [
      '.cts',
      {
        'index.cts': 'const handler = async (e: number): Promise<number> => e; module.exports = { handler };',
      },
    ],
    ['a default export', { 'index.mjs': 'export default { handler: async (e) => e };' }],
    [
      'a nested name',
      { 'index.mjs': 'export const api = { v1: { go: async (e) => e } };' },
      { handler: 'index.api.v1.go' },
    ],
    [
      'a folder',
      { 'src/app/main.mjs': 'export const run = async (e) => e;' },
      { handler: 'src/app/main.run' },
    ],
    [
      'await at the top',
      { 'index.mjs': 'const x = await Promise.resolve(0); export const handler = async (e) => e + x;' },
    ],
    [
      'a module of its own',
      {
        'index.js': 'const { f } = require("./lib/f"); exports.handler = f;',
        'lib/f.js': 'exports.f = async (e) => e;',
      },
    ],
    [
      'a package',
      {
        'index.mjs': 'import f from "f"; export const handler = async (e) => f(e);',
        'node_modules/f/package.json': '{"main":"f.js"}',
        'node_modules/f/f.js': 'module.exports = (e) => e;',
      },
    ],
    [
      'a callback',
      { 'index.mjs': 'export const handler = (e, c, done) => setTimeout(() => done(null, e), 5);' },
    ],
    ['context.succeed', { 'index.mjs': 'export const handler = (e, c) => c.succeed(e);' }],
    ['context.done', { 'index.mjs': 'export const handler = (e, c) => c.done(null, e);' }],
    [
      'a plain value, from Node 24 on',
      { 'index.mjs': 'export const handler = (e) => e;' },
      { runtime: 'nodejs24.x' },
    ],
    ['a thenable', { 'index.mjs': 'export const handler = (e) => ({ then: (resolve) => resolve(e) });' }],
    [
      'a streamed answer',
      {
        'index.mjs':
          'export const handler = awslambda.streamifyResponse(async (e, out) => { out.write(String(e)); out.end(); });',
      },
    ],
  ];
  for (const [what, files, overrides] of cases) {
    test(`written as ${what}`, async () => {
      assert.equal(await answer(files, overrides), 7);
    });
  }

  test('nothing returned is null', async () => {
    assert.equal(await answer({ 'index.mjs': 'export const handler = async () => {};' }), null);
    assert.equal(await answer({ 'index.mjs': 'export const handler = (e) => e;' }), null, 'up to Node 22');
  });

  test('a callback’s answer waits for the event loop unless told not to', async () => {
    const source = (wait: boolean) => `
      let late = false;
      export const handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = ${wait};
        if (event === 'late?') return callback(null, late);
        setTimeout(() => { late = true; }, 150);
        callback(null, 'done');
      };`;
    for (const [wait, least] of [
      [true, 150],
      [false, 0],
    ] as const) {
      const spec = await harness.deploy({ 'index.mjs': source(wait) });
      const outcome = await harness.run(spec, 'go');
      assert.equal(payloadOf(outcome), 'done');
      assert.ok(outcome.kind === 'succeeded' && outcome.report.durationMs >= least);
      assert.equal(payloadOf(await harness.run(spec, 'late?')), wait, 'frozen between runs');
    }
  });

  test('callback errors, context.fail', async () => {
    const one = await harness.deploy({
      'index.mjs': 'export const handler = (e, c, done) => done(new Error("via callback"));',
    });
    assert.equal(errorOf(await harness.run(one)).errorMessage, 'via callback');
    const two = await harness.deploy({ 'index.mjs': 'export const handler = (e, c) => c.fail("text");' });
    assert.deepEqual(errorOf(await harness.run(two)), {
      errorType: 'string',
      errorMessage: 'text',
      trace: [],
    });
  });

  test('the context', async () => {
    const spec = await harness.deploy(
      {
        'index.mjs':
          'export const handler = async (e, c) => ({ ...c, remaining: c.getRemainingTimeInMillis(), kind: typeof c.getRemainingTimeInMillis });',
      },
      { runtime: 'nodejs24.x', timeoutMs: 5_000, version: '3' },
    );
    const request = harness.request(
      spec,
      {},
      {
        invokedFunctionArn: `${spec.arn}:live`,
        clientContext: '{"custom":\n{"a":"ü"}}',
      },
    );
    const outcome = await harness.executor.run(request);
    const { remaining, ...context } = payloadOf(outcome) as Record<string, unknown>;
    assert.ok((remaining as number) > 4_000 && (remaining as number) <= 5_000, `${remaining}`);
    assert.ok(outcome.kind === 'succeeded');
    assert.deepEqual(context, {
      functionName: spec.name,
      functionVersion: '3',
      invokedFunctionArn: `${spec.arn}:live`,
      memoryLimitInMB: '256',
      awsRequestId: request.requestId,
      logGroupName: spec.logGroup,
      logStreamName: outcome.report.logStream,
      clientContext: { custom: { a: 'ü' } },
      kind: 'function',
    });
    assert.equal(outcome.executedVersion, '3');
  });

  test('the environment is AWS’s and the function’s, nothing of the server’s', async () => {
    process.env.REDRIVE_TEST_SECRET = 'of the server';
    const spec = await harness.deploy(
      {
        'index.mjs':
          'export const handler = async () => ({ env: process.env, cwd: process.cwd(), argv: process.argv.length });',
      },
      { environment: { MY_KEY: 'mine', AWS_ENDPOINT_URL_SQS: 'http://elsewhere' } },
    );
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0';
    const outcome = await harness.executor.run(harness.request(spec, {}, { traceHeader: trace }));
    delete process.env.REDRIVE_TEST_SECRET;
    const { env, cwd, argv } = payloadOf(outcome) as {
      env: Record<string, string>;
      cwd: string;
      argv: number;
    };
    assert.ok(outcome.kind === 'succeeded');
    assert.equal(cwd, env.LAMBDA_TASK_ROOT);
    assert.equal(argv, 2);
    const expected: Record<string, string> = {
      MY_KEY: 'mine',
      AWS_ENDPOINT_URL_SQS: 'http://elsewhere',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      AWS_LAMBDA_FUNCTION_NAME: spec.name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_LAMBDA_LOG_GROUP_NAME: spec.logGroup,
      AWS_LAMBDA_LOG_STREAM_NAME: outcome.report.logStream,
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_ACCESS_KEY_ID: 'redrive',
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: trace,
      TZ: ':UTC',
      LANG: 'en_US.UTF-8',
      PWD: cwd,
      SHLVL: '0',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(env[name], value, name);
    const known = new Set([
      ...Object.keys(expected),
      ...[
        'AWS_SECRET_ACCESS_KEY',
        'AWS_SESSION_TOKEN',
        'AWS_XRAY_CONTEXT_MISSING',
        'AWS_XRAY_DAEMON_ADDRESS',
      ],
      ...['_AWS_XRAY_DAEMON_ADDRESS', '_AWS_XRAY_DAEMON_PORT', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR'],
      ...['LD_LIBRARY_PATH', 'NODE_PATH', 'PATH', 'TMPDIR', 'HOME'],
    ]);
    assert.deepEqual(
      Object.keys(env).filter((name) => !known.has(name)),
      [],
    );
  });

  test('variables that a process reads when it starts take effect', async () => {
    const spec = await harness.deploy({
      'index.mjs': 'export const handler = async () => [globalThis.early, process.execArgv.length > 0];',
      'early.cjs': 'globalThis.early = 1;',
    });
    const path = await harness.codeStore.path(spec.codeSha256);
    const withOptions = {
      ...spec,
      revisionId: 'with-options',
      environment: { NODE_OPTIONS: `--require ${path}/early.cjs` },
    };
    assert.deepEqual(payloadOf(await harness.run(withOptions)), [1, true]);
  });

  test('a wrapper runs around the runtime; one that is missing ends it with 127', async () => {
    const files = {
      'index.mjs': 'export const handler = async () => process.env.WRAPPED;',
      wrapper: '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n',
    };
    const wrapped = await harness.deploy(files, {
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/wrapper' },
    });
    assert.equal(payloadOf(await harness.run(wrapped)), 'yes');
    const missing = await harness.deploy(files, {
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/none' },
    });
    const error = errorOf(await harness.run(missing));
    assert.match(
      error.errorMessage as string,
      /^RequestId: \S+ Error: Runtime exited with error: exit status 127$/,
    );
  });

  test('code can be updated between runs', async () => {
    const first = await harness.deploy(
      { 'index.mjs': 'export const handler = async () => 1;' },
      { name: 'updated' },
    );
    const second = await harness.deploy(
      { 'index.mjs': 'export const handler = async () => 2;' },
      { name: 'updated' },
    );
    assert.equal(payloadOf(await harness.run(first)), 1);
    assert.equal(payloadOf(await harness.run(second)), 2);
    harness.executor.retire(first.arn, second.revisionId);
    assert.equal(payloadOf(await harness.run(second)), 2);
    assert.equal(
      payloadOf(await harness.run(first)),
      1,
      'an event of the old revision still runs the old code',
    );
  });
});
