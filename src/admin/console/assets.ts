import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { RequestHandler } from 'express';

const require = createRequire(import.meta.url);
const own = (file: string): URL => new URL(`../../../console/${file}`, import.meta.url);
const packaged = (file: string) => (): string => require.resolve(file);

interface Asset {
  readonly type: string;
  readonly file: () => string | URL;
}

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

/** Everything that pages load, by name; nothing else is served. Libraries come out of their packages. */
const ASSETS: ReadonlyMap<string, Asset> = new Map(
  Object.entries({
    'console.css': { type: STYLE, file: () => own('console.css') },
    'console.js': { type: SCRIPT, file: () => own('console.js') },
    'theme.js': { type: SCRIPT, file: () => own('theme.js') },
    'charts.js': { type: SCRIPT, file: () => own('charts.js') },
    'icon.svg': { type: 'image/svg+xml', file: () => own('icon.svg') },
    'htmx.js': { type: SCRIPT, file: packaged('htmx.org/dist/htmx.min.js') },
    'uplot.js': { type: SCRIPT, file: packaged('uplot/dist/uPlot.iife.min.js') },
    'uplot.css': { type: STYLE, file: packaged('uplot/dist/uPlot.min.css') },
  }),
);

interface Loaded {
  readonly bytes: Buffer;
  readonly tag: string;
}

/** Serves an asset by name, read once. Browsers keep it and ask whether it is still the same. */
export function createAssets(): RequestHandler<{ readonly file: string }> {
  const loaded = new Map<string, Promise<Loaded>>();
  return async (request, response, next) => {
    const { file } = request.params;
    const asset = ASSETS.get(file);
    if (!asset) {
      next();
      return;
    }
    const loading = loaded.get(file) ?? load(asset);
    loaded.set(file, loading);
    // Asked again later when it could not be read.
    loading.catch(() => loaded.delete(file));
    const { bytes, tag } = await loading;
    response.set({ etag: tag, 'cache-control': 'no-cache', 'content-type': asset.type });
    if (request.headers['if-none-match'] === tag) response.status(304).end();
    else response.send(bytes);
  };
}

async function load(asset: Asset): Promise<Loaded> {
  const bytes = await readFile(asset.file());
  return { bytes, tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"` };
}
