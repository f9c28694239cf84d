/**
 * The `aws-chunked` body of streaming signatures: chunks with their sizes, each signed with the signature before
 * it, optional trailers at the end. Every chunk is verified before its bytes count.
 * Source: Amazon S3 API Reference, "Signature calculations: transferring payload in multiple chunks".
 */
import { ApiError } from './error.ts';
import { sameText } from './hmac-sha256.ts';
import { serializationError } from './json-codec.ts';
import type { ChunkSigner } from './sigv4.ts';

const CRLF = '\r\n';
const SIGNATURE = 'chunk-signature=';
const TRAILER_SIGNATURE = 'x-amz-trailer-signature:';

/** True when the body is made of such chunks. */
export function isAwsChunked(declaredHash: unknown, contentEncoding: string | undefined): boolean {
  if (typeof declaredHash === 'string' && declaredHash.startsWith('STREAMING-')) return true;
  return contentEncoding?.includes('aws-chunked') === true;
}

function malformed(): ApiError {
  return serializationError('The aws-chunked body is malformed or incomplete.');
}

/** The payload. With a signer, chunks that carry no valid signature are refused. */
export function decodeAwsChunked(body: Buffer, signer: ChunkSigner | undefined): Buffer {
  const chunks: Buffer[] = [];
  let previous = signer?.seed ?? '';
  let at = 0;
  const verify = (given: string, expected: () => string) => {
    if (!signer) return;
    previous = expected();
    if (!sameText(previous, given)) {
      throw new ApiError(
        'InvalidSignatureException',
        'The chunk signature we calculated does not match the signature you provided.',
      );
    }
  };
  for (;;) {
    const lineEnd = body.indexOf(CRLF, at, 'latin1');
    if (lineEnd === -1) throw malformed();
    const [sizeText, ...extensions] = body.toString('latin1', at, lineEnd).split(';') as [
      string,
      ...string[],
    ];
    if (!/^[0-9a-fA-F]{1,8}$/.test(sizeText)) throw malformed();
    const size = Number.parseInt(sizeText, 16);
    const signature = extensions.find((each) => each.startsWith(SIGNATURE))?.slice(SIGNATURE.length) ?? '';
    const start = lineEnd + CRLF.length;
    if (start + size > body.length) throw malformed();
    const chunk = body.subarray(start, start + size);
    verify(signature, () => signer!.sign(previous, chunk));
    at = start + size;
    if (size === 0) break;
    if (body.toString('latin1', at, at + CRLF.length) !== CRLF) throw malformed();
    at += CRLF.length;
    chunks.push(chunk);
  }
  verifyTrailers(body.toString('latin1', at), (given, trailers) =>
    verify(given, () => signer!.signTrailer(previous, trailers)),
  );
  return Buffer.concat(chunks);
}

function verifyTrailers(text: string, verify: (given: string, trailers: string) => void): void {
  const lines = text.split(CRLF).filter((line) => line !== '');
  if (lines.length === 0) return;
  const signature = lines.find((line) => line.startsWith(TRAILER_SIGNATURE));
  const trailers = lines.filter((line) => line !== signature).map((line) => `${line}\n`);
  verify(signature?.slice(TRAILER_SIGNATURE.length) ?? '', trailers.join(''));
}
