/** Undoes the `Content-Encoding` of a request within the limit of its operation, whatever the bytes claim. */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { ApiError } from './error.ts';
import type { BodyLimit } from './limits.ts';

const DECODERS: Readonly<
  Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** Undone elsewhere, or nothing to undo. */
const PASSED_OVER = new Set(['', 'identity', 'aws-chunked']);

/** Encodings are undone from the last to the first. Fails with SerializationException or the limit's refusal. */
export async function decodeContent(raw: Buffer, header: string, limit: BodyLimit): Promise<Buffer> {
  let body = raw;
  for (const encoding of header.toLowerCase().split(',').reverse()) {
    const name = encoding.trim();
    if (!PASSED_OVER.has(name)) body = await decodeOne(body, name, limit);
  }
  return body;
}

async function decodeOne(body: Buffer, encoding: string, limit: BodyLimit): Promise<Buffer> {
  const decode = DECODERS[encoding];
  if (!decode) {
    throw new ApiError('SerializationException', `Content-Encoding '${encoding}' is not supported.`);
  }
  try {
    return await decode(body, { maxOutputLength: limit.bytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw limit.refuse(limit.bytes + 1);
    }
    throw new ApiError('SerializationException', `The body is not valid ${encoding}.`, { cause });
  }
}
