/**
 * `Invoke` requests as the AWS SDK for JavaScript sends them, signed (Signature Version 4) ahead of time,
 * so that the load generator spends nothing on them while it measures.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';

export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

export interface RequestOptions {
  readonly host: string;
  readonly path: string;
  readonly credentials: Credentials;
  readonly region: string;
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

/** The bytes of one HTTP/1.1 request. */
export function signRequest(options: RequestOptions): Buffer {
  const { host, path, credentials, region, service, body } = options;
  const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = now.slice(0, 8);
  const bodyHash = sha256(body);
  const headers: Record<string, string> = {
    'amz-sdk-invocation-id': randomUUID(),
    'amz-sdk-request': 'attempt=1; max=3',
    'content-length': String(body.length),
    'content-type': 'application/octet-stream',
    host,
    ...options.headers,
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': now,
    'x-amz-user-agent': 'aws-sdk-js/3.1164.0',
  };
  const names = Object.keys(headers).sort();
  const signed = names.join(';');
  const canonical = `POST\n${path}\n\n${names.map((name) => `${name}:${headers[name]}\n`).join('')}\n${signed}\n${bodyHash}`;
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = `AWS4-HMAC-SHA256\n${now}\n${scope}\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(hmac(`AWS4${credentials.secret}`, day), region), service), 'aws4_request');
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const lines = names.map((name) => `${name}: ${headers[name]}\r\n`).join('');
  const head =
    `POST ${path} HTTP/1.1\r\n${lines}` +
    'user-agent: aws-sdk-js/3.1164.0 ua/2.1 os/linux lang/js md/nodejs#24 api/lambda#3.1164.0\r\n' +
    `authorization: AWS4-HMAC-SHA256 Credential=${credentials.id}/${scope}, SignedHeaders=${signed}, Signature=${signature}\r\n` +
    'connection: keep-alive\r\n\r\n';
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** A JSON event of `bytes` bytes with an id of its own. */
export function makeEvent(bytes: number): Buffer {
  const start = `{"id":"${randomUUID()}","order":{"customer":"c-1042","total":99.95},"note":"`;
  return Buffer.from(`${start}${'x'.repeat(Math.max(0, bytes - start.length - 2))}"}`);
}
