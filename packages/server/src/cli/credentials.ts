/**
 * Who the commands are towards the server: `REDRIVE_ACCESS_KEY_ID` and `REDRIVE_SECRET_ACCESS_KEY` where the
 * server asks for keys, else a pair that no real account knows. Credentials of AWS itself are never sent.
 * Source of the signature: "AWS Signature Version 4 for API requests".
 */
import { createHash, createHmac } from 'node:crypto';
import { CliFailure, EXIT } from './failure.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

export function credentials(env: NodeJS.ProcessEnv): Credentials {
  for (const name of ['REDRIVE_ACCESS_KEY_ID', 'REDRIVE_SECRET_ACCESS_KEY']) {
    if (env[name] !== undefined && !/^[!-~]+$/.test(env[name])) {
      throw new CliFailure(`${name}: expected a key without spaces or line breaks`, EXIT.usage);
    }
  }
  return {
    accessKeyId: env.REDRIVE_ACCESS_KEY_ID ?? 'redrive',
    secretAccessKey: env.REDRIVE_SECRET_ACCESS_KEY ?? 'redrive',
    region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1',
  };
}

/** The control API takes the same pair as HTTP Basic; nothing is sent where none was given. */
export function basicAuthorization(env: NodeJS.ProcessEnv): { authorization?: string } {
  if (env.REDRIVE_ACCESS_KEY_ID === undefined) return {};
  const { accessKeyId, secretAccessKey } = credentials(env);
  return { authorization: `Basic ${Buffer.from(`${accessKeyId}:${secretAccessKey}`).toString('base64')}` };
}

export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers of the request, with date and signature. */
export function signRequest(request: UnsignedRequest): Record<string, string> {
  const { accessKeyId, secretAccessKey, region } = credentials(process.env);
  // Signatures are about real time, whatever the server's clock says.
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${date.slice(0, 8)}/${region}/${request.service}/aws4_request`;
  const headers: Record<string, string> = { ...request.headers, 'x-amz-date': date };
  const signed = Object.entries({ ...headers, host: request.url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const query = [...request.url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const canonical = [
    request.method,
    // Every service but S3 encodes the path once more.
    request.url.pathname.split('/').map(encode).join('/'),
    query,
    ...signed.map(([name, value]) => `${name}:${value.trim()}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
  const key = [date.slice(0, 8), region, request.service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signature = createHmac('sha256', key)
    .update(['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'))
    .digest('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return headers;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
