/** Zips for functions, made in memory. */
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** @param files content by path in the zip */
export async function makeZip(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [path, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content as string), path, { mode: 0o100644 });
  }
  zip.end();
  return buffer(zip.outputStream as unknown as NodeJS.ReadableStream);
}
