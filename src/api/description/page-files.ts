/**
 * The files of `/docs`, read from disk when they are asked for: nothing of them stays in memory but their tags, and
 * nothing comes from the Internet. In a build they lie beside this file; in development the explorer lies in
 * `node_modules`.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../../model/error.ts';
import { entityTag } from '../entity-tag.ts';

const PAGE = join(import.meta.dirname, 'page');
const EXPLORER = 'openapi-explorer.min.js';
/** Below the folder of this file, from `src/api/description`. */
const EXPLORER_IN_DEVELOPMENT = join(
  import.meta.dirname,
  '../../../node_modules/openapi-explorer/dist/browser',
  EXPLORER,
);

/** What `/docs/:file` has, with its media type. */
const FILES: ReadonlyMap<string, string> = new Map([
  [EXPLORER, 'text/javascript'],
  ['docs.css', 'text/css'],
]);

/** By their whole reach: scripts and styles of this gateway, requests to it, and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // the explorer has styles in its elements' attributes
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface PageFile {
  type: string;
  body: Buffer;
  tag: string;
}

/** @throws GatewayError notFound */
export function assetNamed(name: string): Promise<PageFile> {
  const type = FILES.get(name);
  if (type === undefined) throw new GatewayError('notFound', `the page has no file "${name}"`);
  return pageFile(name, type);
}

/** The page itself; its assets are named with their tags, so that a browser may keep them for good. */
export async function docsPage(): Promise<string> {
  return withTags((await pageFile('docs.html', 'text/html')).body.toString());
}

/** Puts the tags of assets into the addresses by which `html` names them. */
export async function withTags(html: string): Promise<string> {
  let tagged = html;
  for (const name of FILES.keys()) {
    if (!html.includes(`"/docs/${name}"`)) continue;
    const { tag } = await assetNamed(name);
    tagged = tagged.replace(`"/docs/${name}"`, `"/docs/${name}?v=${tag.slice(1, -1)}"`);
  }
  return tagged;
}

async function pageFile(name: string, type: string): Promise<PageFile> {
  const beside = join(PAGE, name);
  const path = name === EXPLORER && !existsSync(beside) ? EXPLORER_IN_DEVELOPMENT : beside;
  try {
    const body = await readFile(path);
    return { type, body, tag: entityTag(body) };
  } catch (cause) {
    throw new GatewayError('internal', `the file ${path} of the page /docs cannot be read`, { cause });
  }
}
