/**
 * Where `Code.Location` leads: the zip of a function or layer, by its hash. Whoever knows the hash may have
 * the code; the hash is only told to callers who may read the function.
 */
import type { CodeStore } from '../../runtime/executor.ts';

export const CODE_PATH = '/_redrive/code/';

const PATTERN = /^\/_redrive\/code\/([0-9a-f]{64})\.zip$/;

export function formatCodeLocation(origin: string, codeSha256: string): string {
  return `${origin}${CODE_PATH}${codeSha256}.zip`;
}

export interface Download {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Answers a GET below CODE_PATH; 404 for hashes it does not have. */
export function createCodeDownload(codeStore: CodeStore): (path: string) => Promise<Download> {
  return async (path): Promise<Download> => {
    const sha256 = PATTERN.exec(path)?.[1];
    const zip = sha256 && (await readIfPresent(codeStore, sha256));
    if (!zip) {
      return {
        status: 404,
        headers: { 'Content-Type': 'text/plain' },
        body: Buffer.from('There is no code with this hash.\n'),
      };
    }
    return {
      status: 200,
      headers: { 'Content-Type': 'application/zip', ETag: `"${sha256}"` },
      body: zip,
    };
  };
}

async function readIfPresent(codeStore: CodeStore, sha256: string): Promise<Buffer | undefined> {
  try {
    return await codeStore.read(sha256);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
