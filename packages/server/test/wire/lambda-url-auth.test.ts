/** Function URLs of a server that checks signatures. */
import assert from 'node:assert/strict';
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateFunctionUrlConfigCommand } from '@aws-sdk/client-lambda';
import { SignatureV4 } from '@smithy/signature-v4';
import { createClients } from '../support/clients.ts';
import { createFunction } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';

/** Node's hash in the form the SDK's signer wants. */
class Sha256 {
  readonly #hash: Hash | Hmac;
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

test('AWS_IAM: only a valid signature of a known key is let through', async (t) => {
  const server = await startInProcess(t, { auth: 'keys' });
  const text = await readFile(join(server.config.dataDir, 'credentials'), 'utf8');
  const credentials = {
    accessKeyId: /aws_access_key_id\s*=\s*(\S+)/.exec(text)?.[1] ?? '',
    secretAccessKey: /aws_secret_access_key\s*=\s*(\S+)/.exec(text)?.[1] ?? '',
  };
  const clients = createClients(t, server.endpoint, credentials);
  await createFunction(clients, 'guarded', 'export const handler = async (event) => event.rawPath;');
  const { FunctionUrl = '' } = await clients.lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: 'guarded', AuthType: 'AWS_IAM' }),
  );
  const url = new URL(`${FunctionUrl}in/side?x=1`);

  const call = async (secretAccessKey: string) => {
    const signer = new SignatureV4({
      service: 'lambda',
      region: 'us-east-1',
      credentials: { ...credentials, secretAccessKey },
      sha256: Sha256 as never,
    });
    const signed = await signer.sign({
      method: 'GET',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: { x: '1' },
      headers: { host: url.host },
    });
    return fetch(url, { headers: signed.headers });
  };
  const answer = await call(credentials.secretAccessKey);
  assert.deepEqual([answer.status, await answer.text()], [200, '/in/side']);
  assert.equal((await call('wrong')).status, 403);
  assert.equal((await fetch(url)).status, 403);
  assert.equal((await fetch(url, { headers: { authorization: 'anything' } })).status, 403);
});
