/** The zip of a request → code in the store, checked and durable. */
import type { FunctionCode } from '@aws-sdk/client-lambda';
import type { Code } from '../../domain/lambda-configuration.ts';
import { ApiError } from '../../protocol/error.ts';
import { type CodeStore, InvalidZip } from '../../runtime/executor.ts';
import { invalidParameter, unsupported } from './errors.ts';

type CodeInput = Pick<FunctionCode, 'ZipFile' | 'S3Bucket' | 'S3Key' | 'ImageUri'>;

/** Source of the code of a function or layer; only zips sent with the request are taken. */
export function readZip(input: CodeInput): Uint8Array {
  if (input.ImageUri) {
    throw unsupported(
      'Redrive runs no container images: send the code as a zip (Code.ZipFile) for one of the runtimes.',
    );
  }
  if (input.S3Bucket || input.S3Key) {
    throw unsupported(
      'Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist. Redrive keeps no S3 buckets: send the code as a zip (ZipFile).',
    );
  }
  if (!input.ZipFile) throw invalidParameter('Please provide a source for function code.');
  return input.ZipFile;
}

/** Resolves when the code is on disk. */
export async function storeZip(codeStore: CodeStore, zip: Uint8Array): Promise<Code> {
  try {
    const { sha256, sizeBytes } = await codeStore.put(zip);
    return { codeSha256: sha256, codeSize: sizeBytes };
  } catch (error) {
    if (!(error instanceof InvalidZip)) throw error;
    if (error.reason === 'ZippedTooLarge') {
      throw new ApiError('RequestEntityTooLargeException', error.message, { cause: error });
    }
    throw new ApiError('InvalidParameterValueException', error.message, { cause: error });
  }
}

/** Hex hash of a zip that is not stored (a dry run). */
export async function hashZip(zip: Uint8Array): Promise<Code> {
  const digest = await crypto.subtle.digest('SHA-256', zip as Uint8Array<ArrayBuffer>);
  return { codeSha256: Buffer.from(digest).toString('hex'), codeSize: zip.length };
}
