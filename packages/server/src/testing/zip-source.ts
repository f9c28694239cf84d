/** One file of source as the zip of a function. */
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** @param source of `index.mjs` */
export function zipSource(source: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(source), 'index.mjs', { mode: 0o100644 });
  zip.end();
  return buffer(zip.outputStream as unknown as NodeJS.ReadableStream);
}
