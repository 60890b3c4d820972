/**
 * The dashboard as it is served: bundled by Vite, each file compressed beforehand, and `files.json` with the name, type and
 * tag of every one: the gateway serves these names and no others (src/api/dashboard-files.ts). It takes its place when
 * it is whole.
 */
import { createHash, randomUUID } from 'node:crypto';
import { globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import config from '../../src/dashboard/vite.config.ts';

const SOURCES = 'src/dashboard';
export const DASHBOARD_OUT = 'dist/src/dashboard';
/** What the files were made of; another text means that they are out of date. */
const STAMP = 'sources.txt';
const INDEX = 'files.json';
/** A file that this takes no more than a twentieth off is sent as it is. */
const WORTH = 0.95;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface BuiltDashboard {
  /** Folders of the packages that went in. */
  packages: string[];
}

/** Builds into `out`, a folder that holds nothing else. */
export async function buildDashboard(out = DASHBOARD_OUT): Promise<BuiltDashboard> {
  const stamp = stampOf();
  const fresh = resolve(`${out}.${randomUUID()}`);
  mkdirSync(dirname(fresh), { recursive: true });
  try {
    const built = (await build({
      ...config,
      configFile: false,
      build: { ...config.build, outDir: fresh, emptyOutDir: true },
    })) as Rolldown.RolldownOutput;
    writeFileSync(join(fresh, INDEX), `${JSON.stringify(filesIn(fresh), null, 2)}\n`);
    writeFileSync(join(fresh, STAMP), stamp);
    rmSync(out, { recursive: true, force: true });
    renameSync(fresh, out);
    return { packages: packagesIn(built) };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Builds it where that was not done yet, or not from these sources. @returns whether it did */
export async function buildDashboardIfStale(out = DASHBOARD_OUT): Promise<boolean> {
  if (isFresh(out)) return false;
  await buildDashboard(out);
  return true;
}

function isFresh(out: string): boolean {
  try {
    return readFileSync(join(out, STAMP), 'utf8') === stampOf();
  } catch {
    return false;
  }
}

/** Sources, the packages' versions and this file: whatever changes what is built. */
function stampOf(): string {
  const hash = createHash('sha256');
  const files = [
    ...globSync(`${SOURCES}/**/*.{ts,svelte,css,html,svg}`).sort(),
    'package-lock.json',
    'scripts/dashboard/build.ts',
  ];
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return `${hash.digest('hex')}\n`;
}

/** Compresses each file, and says what there is of it. */
function filesIn(folder: string) {
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const type = TYPES[extname(name)];
      if (type === undefined) throw new Error(`the dashboard has a file of no known type: ${name}`);
      const body = readFileSync(join(folder, name));
      const tag = createHash('sha256').update(body).digest('base64url').slice(0, 27);
      const codings = {
        br: brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
        gzip: gzipSync(body, { level: 9 }),
      };
      const worth = Object.entries(codings).filter(([, coded]) => coded.length < body.length * WORTH);
      for (const [coding, coded] of worth) writeFileSync(join(folder, `${name}.${coding}`), coded);
      return [name, { type, tag, codings: worth.map(([coding]) => coding) }];
    }),
  );
}

function packagesIn({ output }: Rolldown.RolldownOutput): string[] {
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  const folders = modules.flatMap((id) => /^\0?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  // the styles of a package stand in no chunk, and are under the same licence
  return [...new Set(folders)].sort();
}
