/**
 * The console's files, as the build left them. Pages get a strict content-security policy with a nonce of their own:
 * nothing but our own scripts ever runs, whatever a payload holds.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ControlDeps } from './deps.ts';

/** In the repository, and in the published package. */
const FOLDERS = ['../../../console/dist', '../../console'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const BASE = '/_redrive/';
const OTHERS = [`${BASE}api/`, `${BASE}code/`];
const NONCE = '__NONCE__';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Redrive</title>
<p>The console has not been built: run <code>npm run build --workspace redrive-console</code>.</p>`;

export function addConsoleRoutes(app: OpenAPIHono, { random }: Pick<ControlDeps, 'random'>): void {
  let loading: Promise<ReadonlyMap<string, Asset>> | undefined;

  app.get(`${BASE}*`, async (c, next) => {
    // What others serve below this path comes first, the API's own "not found" included.
    if (OTHERS.some((path) => c.req.path.startsWith(path))) return next();
    loading ??= load();
    const assets = await loading;
    const name = c.req.path.slice(BASE.length);
    const asset = assets.get(name);
    if (asset && name !== 'index.html') {
      const zipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
      return new Response(new Uint8Array(zipped ? asset.zipped : asset.plain), {
        headers: {
          'content-type': asset.type,
          ...(zipped && { 'content-encoding': 'gzip' }),
          vary: 'accept-encoding',
          // Names hold the hash of the content.
          'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
          'x-content-type-options': 'nosniff',
        },
      });
    }
    // A missing file is missing; any other path is a page of the application.
    if (extname(name) !== '' && name !== 'index.html') return next();
    const nonce = random.bytes(16).toString('base64');
    const html = assets.get('index.html')?.plain.toString('utf8').replaceAll(NONCE, nonce) ?? NOT_BUILT;
    return c.html(html, 200, pageHeaders(nonce));
  });
}

function pageHeaders(nonce: string): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data:",
      "font-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  };
}

async function load(): Promise<ReadonlyMap<string, Asset>> {
  const zip = promisify(gzip);
  for (const folder of FOLDERS) {
    const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    if (!files.some((file) => file.endsWith('index.html'))) continue;
    const assets = await Promise.all(
      files.map(async (file): Promise<[string, Asset]> => {
        const plain = await readFile(file);
        const type = TYPES[extname(file)] ?? 'application/octet-stream';
        return [relative(folder, file).replaceAll('\\', '/'), { type, plain, zipped: await zip(plain) }];
      }),
    );
    return new Map(assets);
  }
  return new Map();
}
