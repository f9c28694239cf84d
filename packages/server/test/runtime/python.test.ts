/** Python functions, with whatever Python this machine has; their errors and log lines as on AWS. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import type { FunctionSpec } from '../../src/domain/invocation.ts';
import { createHarness, errorOf, type Harness, payloadOf } from './harness.ts';

const python = (() => {
  try {
    return execFileSync('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
})();

describe('Python functions', { skip: python === undefined && 'no python3 here' }, () => {
  let harness: Harness;

  before(async () => {
    harness = await createHarness();
  });
  after(() => harness.close());

  async function deploy(source: string, overrides: Partial<FunctionSpec> = {}) {
    return harness.deploy(
      { 'main.py': source },
      { runtime: `python${python}`, handler: 'main.handler', ...overrides },
    );
  }
  async function fail(source: string, overrides: Partial<FunctionSpec> = {}, event: unknown = {}) {
    const spec = await deploy(source, overrides);
    const request = harness.request(spec, event);
    const error = errorOf(await harness.executor.run(request));
    return { error, requestId: request.requestId, lines: harness.logOf(request.requestId) };
  }

  test('event in, result out, warm again', async () => {
    const spec = await deploy(
      'runs = 0\ndef handler(event, context):\n    global runs\n    runs += 1\n    return {"event": event, "runs": runs}\n',
    );
    const first = await harness.run(spec, { a: ['ü', 1.5, null] });
    assert.ok(first.kind === 'succeeded');
    assert.equal(first.payload.replaceAll('\\u00fc', 'ü'), '{"event": {"a": ["ü", 1.5, null]}, "runs": 1}');
    assert.deepEqual(payloadOf(await harness.run(spec, 1)), { event: 1, runs: 2 });
    assert.match(harness.lines[0]?.text as string, /^INIT_START Runtime Version: python:3\.\d+\.\d+\t/);
  });

  test('the context and the environment', async () => {
    const spec = await deploy(
      `import os
def handler(event, context):
    return {
        "id": context.aws_request_id, "name": context.function_name, "version": context.function_version,
        "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb, "group": context.log_group_name,
        "custom": context.client_context.custom, "left": context.get_remaining_time_in_millis(),
        "env": dict(os.environ), "cwd": os.getcwd(),
    }
`,
      { environment: { MINE: 'yes' } },
    );
    const request = harness.request(
      spec,
      {},
      { clientContext: '{"custom":{"a":1}}', traceHeader: 'Root=1-2-3' },
    );
    const answer = payloadOf(await harness.executor.run(request)) as Record<string, unknown> & {
      env: Record<string, string>;
    };
    assert.equal(answer.id, request.requestId);
    assert.equal(answer.memory, '256');
    assert.deepEqual(answer.custom, { a: 1 });
    assert.ok((answer.left as number) > 2_000 && (answer.left as number) <= 3_000);
    assert.equal(answer.env.AWS_EXECUTION_ENV, `AWS_Lambda_python${python}`);
    assert.equal(answer.env.MINE, 'yes');
    assert.equal(answer.env._X_AMZN_TRACE_ID, 'Root=1-2-3');
    assert.equal(answer.cwd, answer.env.LAMBDA_TASK_ROOT);
  });

  test('an exception', async () => {
    const { error, requestId, lines } = await fail(
      'def inner():\n    raise ValueError("wrong")\n\ndef handler(event, context):\n    inner()\n',
    );
    assert.deepEqual(Object.keys(error), ['errorMessage', 'errorType', 'requestId', 'stackTrace']);
    assert.deepEqual(error, {
      errorMessage: 'wrong',
      errorType: 'ValueError',
      requestId,
      stackTrace: [
        '  File "/var/task/main.py", line 5, in handler\n    inner()\n',
        '  File "/var/task/main.py", line 2, in inner\n    raise ValueError("wrong")\n',
      ],
    });
    const logged = lines.find((text) => text.startsWith('[ERROR]'));
    assert.equal(
      logged,
      '[ERROR] ValueError: wrong\nTraceback (most recent call last):\n' +
        '\u00a0\u00a0File "/var/task/main.py", line 5, in handler\n\u00a0\u00a0\u00a0\u00a0inner()\n' +
        '\u00a0\u00a0File "/var/task/main.py", line 2, in inner\n\u00a0\u00a0\u00a0\u00a0raise ValueError("wrong")\n',
    );
  });

  test('an exception while the module loads', async () => {
    const { error } = await fail('raise Exception("Runtime startup fails")\n');
    assert.equal(error.errorMessage, 'Runtime startup fails');
    assert.equal(error.errorType, 'Exception');
    assert.equal(error.requestId, '');
    const stack = error.stackTrace as string[];
    assert.match(
      stack[0] as string,
      /^ {2}File "\/var\/lang\/lib\/python3\.\d+\/importlib\/__init__\.py", line \d+, in import_module\n/,
    );
    assert.equal(
      stack.at(-1),
      '  File "/var/task/main.py", line 1, in <module>\n    raise Exception("Runtime startup fails")\n',
    );
  });

  test('faults that the runtime finds', async () => {
    const module = await fail('import not_there\n');
    assert.deepEqual(module.error, {
      errorMessage: "Unable to import module 'main': No module named 'not_there'",
      errorType: 'Runtime.ImportModuleError',
      requestId: '',
      stackTrace: [],
    });
    const missing = await fail('def other(event, context):\n    pass\n');
    assert.equal(missing.error.errorType, 'Runtime.HandlerNotFound');
    assert.equal(missing.error.errorMessage, "Handler 'handler' missing on module 'main'");
    const syntax = await fail('def handler(event, context:\n    return 1\n');
    assert.equal(syntax.error.errorType, 'Runtime.UserCodeSyntaxError');
    assert.match(
      syntax.error.errorMessage as string,
      /^Syntax error in module 'main': .* \(main\.py, line 1\)$/,
    );
    assert.match(
      (syntax.error.stackTrace as string[])[0] as string,
      /^ {2}File "\/var\/task\/main\.py" Line 1\n {4}def handler/,
    );
    const name = await fail('', { handler: 'nodot' });
    assert.equal(name.error.errorType, 'Runtime.MalformedHandlerName');
    assert.equal(
      name.error.errorMessage,
      "Bad handler 'nodot': not enough values to unpack (expected 2, got 1)",
    );
    const result = await fail('def handler(event, context):\n    return object()\n');
    assert.equal(result.error.errorType, 'Runtime.MarshalError');
    assert.equal(
      result.error.errorMessage,
      'Unable to marshal response: Object of type object is not JSON serializable',
    );
  });

  test('exit, kill, timeout', async () => {
    const zero = await fail('import sys\ndef handler(event, context):\n    sys.exit(0)\n');
    assert.equal(
      zero.error.errorMessage,
      `RequestId: ${zero.requestId} Error: Runtime exited without providing a reason`,
    );
    const one = await fail('import sys\nsys.exit(3)\n');
    assert.equal(
      one.error.errorMessage,
      `RequestId: ${one.requestId} Error: Runtime exited with error: exit status 3`,
    );
    const kill = await fail('import os\ndef handler(event, context):\n    os.kill(os.getpid(), 9)\n');
    assert.match(kill.error.errorMessage as string, /signal: killed$/);
    const late = await fail('import time\ndef handler(event, context):\n    time.sleep(60)\n', {
      timeoutMs: 500,
    });
    assert.equal(
      late.error.errorMessage,
      `RequestId: ${late.requestId} Error: Task timed out after 0.50 seconds`,
    );
  });

  test('output: print, logging, what C writes', async () => {
    const spec = await deploy(`import logging, os
logging.getLogger().setLevel("INFO")
def handler(event, context):
    print("printed", event)
    logging.info("logged %s", event)
    os.write(1, b"written\\n")
    print("no end", end="")
`);
    const requests = [harness.request(spec, 1), harness.request(spec, 2)] as const;
    for (const request of requests) await harness.executor.run(request);
    const [first, second] = requests.map(({ requestId }) =>
      harness.logOf(requestId).filter((text) => !/^(INIT_START|START|END|REPORT)/.test(text)),
    );
    assert.equal(first?.[0], 'printed 1\n');
    assert.match(
      first?.[1] as string,
      new RegExp(`^\\[INFO\\]\t\\S+Z\t${requests[0].requestId}\tlogged 1\n$`),
    );
    assert.ok(first?.includes('written\n'));
    assert.equal(second?.[0], 'no endprinted 2\n');
  });

  test('JSON output', async () => {
    const { lines, requestId } = await fail(
      'import logging\ndef handler(event, context):\n    logging.getLogger("mine").warning("careful", extra={"order": 7})\n    raise KeyError("k")\n',
      { logFormat: 'JSON' },
    );
    const [, , warning, error, , report] = lines.map((text) => JSON.parse(text));
    assert.deepEqual(Object.keys(warning), ['timestamp', 'level', 'message', 'logger', 'requestId', 'order']);
    assert.equal(warning.requestId, requestId);
    assert.equal(error.level, 'ERROR');
    assert.equal(error.errorType, 'KeyError');
    assert.equal(report.type, 'platform.report');
  });

  test('many runs at once keep their answers', async () => {
    const spec = await deploy(
      'import time\ndef handler(event, context):\n    if event % 97 == 0: time.sleep(0.03)\n    return event\n',
    );
    const outcomes = await Promise.all(Array.from({ length: 1_500 }, (_, n) => harness.run(spec, n)));
    for (const [n, outcome] of outcomes.entries()) assert.equal(payloadOf(outcome), n);
  });

  test('another version may stand in, and the log says so', async () => {
    const spec = await deploy('def handler(event, context):\n    return 1\n', { runtime: 'python3.99' });
    assert.equal(payloadOf(await harness.run(spec)), 1);
  });
});
