/**
 * The files of the dashboard, as `npm run build` made them. What may be asked for stands in their list: a name that is not
 * in it leads nowhere, so no path can. They are read from disk when they are asked for; nothing stays in memory.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';

/** In a build it lies beside the chunk of this file; sources use what was built of them. */
const BESIDE = join(import.meta.dirname, 'dashboard');
const OF_SOURCES = join(import.meta.dirname, '../../dist/src/dashboard');
const LIST = 'files.json';
export const INDEX_PAGE = 'index.html';

const CODINGS = ['br', 'gzip'] as const;
export type Coding = (typeof CODINGS)[number];

const listSchema = v.record(
  v.string(),
  v.object({
    /** Media type. */
    type: v.string(),
    /** Hash of the uncoded bytes. */
    tag: v.string(),
    /** In which it lies there compressed, beside itself. */
    codings: v.array(v.picklist(CODINGS)),
  }),
);

/**
 * Scripts and styles of this gateway, requests to it, and nothing else; no page of another may frame it. Its forms are
 * handled by its scripts.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface DashboardFile {
  path: string;
  type: string;
  /** A strong entity tag. */
  tag: string;
  codings: readonly Coding[];
}

/** @throws GatewayError notFound, also where there is no dashboard on this box */
export async function dashboardFile(name: string): Promise<DashboardFile> {
  const folder = folderOfFiles();
  const files = v.parse(listSchema, JSON.parse(await readFile(join(folder, LIST), 'utf8')));
  const file = new Map(Object.entries(files)).get(name);
  if (file === undefined) throw new GatewayError('notFound', `the dashboard has no file "${name}"`);
  return { ...file, path: join(folder, name), tag: `"${file.tag}"` };
}

/** Its bytes, in a coding that it has. */
export function bytesOf({ path }: DashboardFile, coding: Coding | undefined): Promise<Buffer> {
  return readFile(coding === undefined ? path : `${path}.${coding}`);
}

function folderOfFiles(): string {
  const folder = [BESIDE, OF_SOURCES].find((each) => existsSync(join(each, LIST)));
  if (folder !== undefined) return folder;
  throw new GatewayError('notFound', 'the dashboard is not built', {
    hint: 'in the folder of the sources: npm run dashboard',
  });
}
