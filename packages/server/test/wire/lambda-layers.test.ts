/** Functions that use layers: modules, later layers over earlier ones, and layers deleted meanwhile. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import {
  DeleteLayerVersionCommand,
  InvokeCommand,
  PublishLayerVersionCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import { createFunction } from '../support/functions.ts';
import { makeZip } from '../support/zip.ts';
import { startLambdaWire } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda } = wire;

async function publish(LayerName: string, files: Record<string, string>): Promise<string> {
  const { LayerVersionArn } = await lambda.send(
    new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: await makeZip(files) } }),
  );
  return LayerVersionArn ?? '';
}
async function invoke(FunctionName: string): Promise<unknown> {
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}
const use = (FunctionName: string, ...Layers: string[]) =>
  lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Layers }));

test('Node: modules of layers are found, later layers cover earlier ones', async () => {
  const one = await publish('one', {
    'nodejs/node_modules/greet/index.js': "module.exports = () => 'hello from one';",
    'nodejs/node_modules/only-one/index.js': 'module.exports = 1;',
  });
  const two = await publish('two', {
    'nodejs/node_modules/greet/index.js': "module.exports = () => 'hello from two';",
  });
  await createFunction(wire, 'node', '', {
    Code: {
      ZipFile: await makeZip({
        'index.cjs': "exports.handler = async () => [require('greet')(), require('only-one')];",
      }),
    },
    Layers: [one],
  });
  assert.deepEqual(await invoke('node'), ['hello from one', 1]);
  await use('node', one, two);
  assert.deepEqual(await invoke('node'), ['hello from two', 1]);
  await lambda.send(new DeleteLayerVersionCommand({ LayerName: 'one', VersionNumber: 1 }));
  assert.deepEqual(await invoke('node'), ['hello from two', 1]);
  await use('node');
  const error = (await invoke('node')) as { errorMessage: string };
  assert.match(error.errorMessage, /Cannot find module 'greet'/);
});

test('Python: packages of layers are found', {
  skip: spawnSync('python3', ['-V']).status !== 0 && 'no Python',
}, async () => {
  const layer = await publish('py', { 'python/greet.py': 'def greet():\n    return "hello from python"\n' });
  await createFunction(wire, 'python', '', {
    Runtime: 'python3.12',
    Handler: 'app.handler',
    Code: {
      ZipFile: await makeZip({
        'app.py': 'import greet\ndef handler(event, context):\n    return greet.greet()\n',
      }),
    },
    Layers: [layer],
  });
  assert.equal(await invoke('python'), 'hello from python');
});

test('a custom runtime may come in a layer', async () => {
  const bootstrap = `#!/bin/sh
while true; do
  HEADERS=$(mktemp)
  curl -sS -D "$HEADERS" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" > /dev/null
  ID=$(grep -i lambda-runtime-aws-request-id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$ID/response" -d '"from the layer"' > /dev/null
done
`;
  const archive = new ZipFile();
  archive.addBuffer(Buffer.from(bootstrap), 'bootstrap', { mode: 0o100755 });
  archive.end();
  const published = await lambda.send(
    new PublishLayerVersionCommand({
      LayerName: 'custom',
      Content: { ZipFile: await buffer(archive.outputStream as unknown as NodeJS.ReadableStream) },
    }),
  );
  await createFunction(wire, 'custom', '', {
    Runtime: 'provided.al2023',
    Handler: 'anything',
    Code: { ZipFile: wire.zip },
    Layers: [published.LayerVersionArn ?? ''],
    Timeout: 20,
  });
  assert.equal(await invoke('custom'), 'from the layer');
});
