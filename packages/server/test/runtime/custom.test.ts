/** Runtimes that bring their own bootstrap and speak AWS's Runtime API over HTTP. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ZipFile } from 'yazl';
import type { FunctionSpec } from '../../src/domain/invocation.ts';
import { createHarness, errorOf, type Harness, payloadOf } from './harness.ts';

const API = `http://\${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const has = (program: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};

/** A bootstrap in JavaScript: asks, answers, and does to each event what it says. */
const SCRIPTED = `#!${process.execPath}
const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime';
const post = (path, body, headers = {}) => fetch(base + path, { method: 'POST', body, headers });
(async () => {
  for (;;) {
    const next = await fetch(base + '/invocation/next');
    const id = next.headers.get('lambda-runtime-aws-request-id');
    const event = await next.json();
    const answer = async (value) => post('/invocation/' + id + '/response', value);
    if (event === 'headers') await answer(JSON.stringify(Object.fromEntries([...next.headers].filter(([k]) => k.startsWith('lambda')))));
    else if (event === 'error') await post('/invocation/' + id + '/error', '{"errorMessage":"custom","errorType":"Mine.Error","extra":1}', { 'lambda-runtime-function-error-type': 'Function.Mine' });
    else if (event === 'bare error') await post('/invocation/' + id + '/error', '', { 'lambda-runtime-function-error-type': 'Function.Bare' });
    else if (event === 'big') { const r = await answer('"' + 'x'.repeat(6291600) + '"'); console.log('big ' + r.status); }
    else if (event === 'text') await answer('no json');
    else if (event === 'wrong id') {
      const r = await post('/invocation/other/response', '1');
      await answer(JSON.stringify([r.status, await r.json()]));
    } else if (event === 'twice') {
      await answer('"once"');
      const r = await answer('"twice"');
      console.log('twice ' + r.status + ' ' + (await r.json()).errorType);
    } else if (event === 'streamed') await fetch(base + '/invocation/' + id + '/response', { method: 'POST', duplex: 'half', headers: { 'lambda-runtime-function-response-mode': 'streaming' }, body: new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('"st')); c.enqueue(new TextEncoder().encode('reamed"')); c.close(); } }) });
    else if (event === 'exit') process.exit(7);
    else if (event === 'init') { }
    else await answer(JSON.stringify({ echo: event }));
  }
})();
`;

describe('custom runtimes', () => {
  let harness: Harness;
  let scripted: FunctionSpec;

  before(async () => {
    harness = await createHarness();
    scripted = await deploy({ bootstrap: SCRIPTED });
  });
  after(() => harness.close());

  function deploy(
    files: Record<string, string>,
    overrides: Partial<FunctionSpec> = {},
  ): Promise<FunctionSpec> {
    return harness.deploy(files, { runtime: 'provided.al2023', handler: 'function.handler', ...overrides });
  }

  test('a shell script', { skip: !has('curl') && 'no curl here' }, async () => {
    const spec = await deploy({
      bootstrap: `#!/bin/sh
while true; do
  headers=$(mktemp)
  event=$(curl -sS -D "$headers" "${API}/invocation/next")
  id=$(grep -i lambda-runtime-aws-request-id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  echo "got $event"
  curl -sS -o /dev/null -X POST "${API}/invocation/$id/response" -d "{\\"event\\":$event,\\"handler\\":\\"$_HANDLER\\"}"
done
`,
    });
    const requests = [1, 2].map((n) => harness.request(spec, n));
    for (const [i, request] of requests.entries()) {
      assert.deepEqual(payloadOf(await harness.executor.run(request)), {
        event: i + 1,
        handler: 'function.handler',
      });
    }
    for (const [i, { requestId }] of requests.entries()) {
      assert.deepEqual(
        harness.logOf(requestId).filter((text) => text.startsWith('got')),
        [`got ${i + 1}\n`],
      );
    }
  });

  test('a compiled program', { skip: !has('cc') && 'no C compiler here' }, async () => {
    const source = join(harness.dataDir, 'bootstrap.c');
    await writeFile(source, readFileSync(new URL('./fixtures/bootstrap.c', import.meta.url)));
    const binary = join(harness.dataDir, 'bootstrap');
    execFileSync('cc', ['-O1', '-o', binary, source]);
    const zip = new ZipFile();
    zip.addFile(binary, 'bootstrap');
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    const { sha256 } = await harness.codeStore.put(Buffer.concat(chunks));
    const spec = await deploy({ bootstrap: '' }, { codeSha256: sha256 });
    for (let n = 0; n < 3; n++)
      assert.deepEqual(payloadOf(await harness.run(spec, { n })), { compiled: { n } });
    assert.match(
      harness.lines.find((line) => line.group === spec.logGroup)?.text as string,
      /Runtime Version: provided:al2023\t/,
    );
  });

  test('headers of an invocation', async () => {
    const request = harness.request(scripted, 'headers', {
      invokedFunctionArn: `${scripted.arn}:live`,
      traceHeader: 'Root=1-2-3',
      clientContext: '{"custom":\n{"a":1}}',
    });
    const before = Date.now();
    const headers = payloadOf(await harness.executor.run(request)) as Record<string, string>;
    const { 'lambda-runtime-deadline-ms': deadline, ...others } = headers;
    assert.ok(Number(deadline) >= before + 2_000 && Number(deadline) <= Date.now() + 3_000);
    assert.deepEqual(others, {
      'lambda-runtime-aws-request-id': request.requestId,
      'lambda-runtime-client-context': '{"custom":{"a":1}}',
      'lambda-runtime-invoked-function-arn': `${scripted.arn}:live`,
      'lambda-runtime-trace-id': 'Root=1-2-3',
    });
  });

  test('errors are passed on as they are', async () => {
    assert.deepEqual(errorOf(await harness.run(scripted, 'error')), {
      errorMessage: 'custom',
      errorType: 'Mine.Error',
      extra: 1,
    });
    assert.deepEqual(errorOf(await harness.run(scripted, 'bare error')), { errorType: 'Function.Bare' });
  });

  test('an answer that is no JSON is passed on too', async () => {
    const outcome = await harness.run(scripted, 'text');
    assert.ok(outcome.kind === 'succeeded' && outcome.payload === 'no json');
  });

  test('a streamed answer', async () => {
    assert.equal(payloadOf(await harness.run(scripted, 'streamed')), 'streamed');
  });

  test('an answer too large: 413 to the runtime, an error to the caller', async () => {
    const request = harness.request(scripted, 'big');
    assert.equal(errorOf(await harness.executor.run(request)).errorType, 'Function.ResponseSizeTooLarge');
    payloadOf(await harness.run(scripted, 1));
    assert.ok(harness.lines.some(({ text }) => text === 'big 413\n'));
  });

  test('a wrong id, an answer too many', async () => {
    assert.deepEqual(payloadOf(await harness.run(scripted, 'wrong id')), [
      400,
      { errorMessage: 'Invalid request ID', errorType: 'InvalidRequestID' },
    ]);
    assert.equal(payloadOf(await harness.run(scripted, 'twice')), 'once');
    payloadOf(await harness.run(scripted, 1));
    assert.ok(harness.lines.some(({ text }) => text === 'twice 403 InvalidStateTransition\n'));
  });

  test('exit and recovery', async () => {
    const request = harness.request(scripted, 'exit');
    const error = errorOf(await harness.executor.run(request));
    assert.equal(
      error.errorMessage,
      `RequestId: ${request.requestId} Error: Runtime exited with error: exit status 7`,
    );
    assert.deepEqual(payloadOf(await harness.run(scripted, 2)), { echo: 2 });
  });

  test('a failed initialisation that is reported', async () => {
    const spec = await deploy({
      bootstrap: `#!${process.execPath}
fetch('http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/init/error', { method: 'POST', headers: { 'Lambda-Runtime-Function-Error-Type': 'Runtime.Mine' }, body: '{"errorMessage":"not today","errorType":"Runtime.Mine"}' }).then((r) => console.log(r.status));
setTimeout(() => {}, 60_000);
`,
    });
    assert.deepEqual(errorOf(await harness.run(spec)), {
      errorMessage: 'not today',
      errorType: 'Runtime.Mine',
    });
  });

  for (const [what, files] of [
    ['no bootstrap', { main: 'x' }],
    ['a bootstrap that cannot be executed', { bootstrap: 'not executable' }],
  ] as const) {
    test(what, async () => {
      const spec = await deploy(files as unknown as Record<string, string>);
      const request = harness.request(spec);
      assert.deepEqual(errorOf(await harness.executor.run(request)), {
        errorType: 'Runtime.InvalidEntrypoint',
        errorMessage: `RequestId: ${request.requestId} Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]`,
      });
    });
  }

  test('a bootstrap that ends at once', async () => {
    const spec = await deploy({ bootstrap: '#!/bin/sh\necho "I give up"\nexit 4\n' });
    const request = harness.request(spec);
    const error = errorOf(await harness.executor.run(request));
    assert.equal(
      error.errorMessage,
      `RequestId: ${request.requestId} Error: Runtime exited with error: exit status 4`,
    );
    assert.ok(harness.logOf(request.requestId).includes('I give up\n'));
  });
});
