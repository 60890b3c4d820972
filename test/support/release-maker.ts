/** Releases for tests: what `npm run package` makes of the sources, and others made of that one by a change. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Architecture } from '../../scripts/package/node-runtime.ts';
import { releaseName, writeReleaseFiles } from '../../scripts/package/release-files.ts';
import { sealRelease } from '../../scripts/package/release-tree.ts';
import { signingKey } from '../../scripts/package/signing.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PACKAGE_MS = 300_000;

/** A daemon that gives the store another form, empties it and then ends, again and again: what `variantOf` may put in. */
export const RUINS_THE_STORE = `
import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync(process.env.DATA_FOLDER + '/gate.db');
database.exec('PRAGMA user_version = 99; DELETE FROM client; DELETE FROM device;');
database.close();
process.exit(1);
`;

export const ARCHITECTURE = process.arch as Architecture;

export function makeKey(path: string): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return path;
}

export interface Packaging {
  keyFile: string;
  environment?: NodeJS.ProcessEnv;
  /** Folder of the sources, where it is not this one. */
  from?: string;
  /** This machine's where not given. */
  architecture?: Architecture;
}

/** Runs `npm run package` for this machine. @returns path of the archive */
export function packageRelease(
  out: string,
  { keyFile, environment = {}, from = ROOT, architecture = ARCHITECTURE }: Packaging,
): string {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['scripts/package.ts', '--arch', architecture, '--out', out],
    {
      cwd: from,
      encoding: 'utf8',
      timeout: PACKAGE_MS,
      env: { ...process.env, GATE_SIGNING_KEY: keyFile, ...environment },
    },
  );
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout.trim().split('  ')[0] as string;
}

export function unpackRelease(archive: string, into: string): string {
  mkdirSync(into, { recursive: true });
  const { status, stderr } = spawnSync('tar', ['-xzf', archive, '-C', into], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return join(into, archive.split('/').at(-1)?.replace('.tar.gz', '') ?? '');
}

export interface Variant {
  version: string;
  keyFile: string;
  /** What the manifest says of its store's schema. */
  store?: number;
  /** Of the unpacked files; a file is replaced, never written into: it is the same file as that of other releases. */
  change?: (folder: string) => void;
}

/** Another release, sealed and signed like any. @returns path of its archive; its files lie beside */
export async function variantOf(release: string, out: string, variant: Variant): Promise<string> {
  const { version, keyFile, change, ...store } = variant;
  const { commit, date } = JSON.parse(readFileSync(join(release, 'manifest.json'), 'utf8'));
  const state = { commit, epochSeconds: Date.parse(date) / 1_000 };
  const facts = { version, architecture: ARCHITECTURE, state, key: signingKey(out, keyFile), ...store };
  const folder = join(out, releaseName(facts));
  mkdirSync(out, { recursive: true });
  const copied = spawnSync('cp', ['-al', release, folder], { encoding: 'utf8' });
  if (copied.status !== 0) throw new Error(copied.stderr);
  const own = join(folder, 'app/package.json');
  replaceFile(own, JSON.stringify({ ...JSON.parse(readFileSync(own, 'utf8')), version }));
  change?.(folder);
  await sealRelease(folder, facts);
  // quick, not small
  return writeReleaseFiles(folder, out, facts, 1);
}

export function replaceFile(path: string, text: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, text);
}
