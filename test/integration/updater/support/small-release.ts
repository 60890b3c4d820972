/**
 * A gateway installed in a folder, with releases of a few files: the updater's real work (signatures, unpacking, links,
 * the store's files) without 180 MB of it. Their daemon answers as gate does on `gate.sock`, or does not come up. The
 * whole daemon under systemd is in test/e2e/packaging.
 */
import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { releaseName, writeReleaseFiles } from '../../../../scripts/package/release-files.ts';
import { sealRelease } from '../../../../scripts/package/release-tree.ts';
import { type SigningKey, signingKey } from '../../../../scripts/package/signing.ts';
import { makeKey } from '../../../support/release-maker.ts';

export const ARCHITECTURE = process.arch as 'x64' | 'arm64';

/** Writes into the store, as a release does that changes its form, and answers. */
const HEALTHY = `
import { createServer } from 'node:http';
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
const folder = process.argv[2], store = Number(process.argv[3]);
const database = new DatabaseSync(folder + '/gate.db');
database.exec('PRAGMA journal_mode=WAL; PRAGMA user_version=' + store);
rmSync(folder + '/gate.sock', { force: true });
createServer((_, answer) => answer.end(JSON.stringify({ status: 'ready', parts: { store: { state: 'running' } } })))
  .listen(folder + '/gate.sock');
`;
/** The same, and ends. */
const SICK = `${HEALTHY}process.exit(1);\n`;

export interface SmallRelease {
  version: string;
  /** Version of its store's schema. */
  store?: number;
  sick?: boolean;
  arch?: 'x64' | 'arm64';
  key?: SigningKey;
}

export class SmallInstallation {
  readonly installFolder: string;
  readonly dataFolder: string;
  readonly #folder: string;
  readonly key: SigningKey;

  constructor(folder: string) {
    this.#folder = folder;
    this.installFolder = join(folder, 'opt');
    this.dataFolder = join(folder, 'data');
    this.key = signingKey(folder, makeKey(join(folder, 'key.pem')));
  }

  /** With release 1.0.0 running on a store of schema 1, which holds `kept`. */
  async install(): Promise<void> {
    for (const path of ['opt/releases', 'opt/update', 'data/update'])
      mkdirSync(join(this.#folder, path), { recursive: true });
    const archive = await this.release({ version: '1.0.0' });
    cpSync(archive.replace('.tar.gz', ''), join(this.installFolder, 'releases/1.0.0'), { recursive: true });
    for (const link of ['current', 'updater']) symlinkSync('releases/1.0.0', join(this.installFolder, link));
    const database = new DatabaseSync(join(this.dataFolder, 'gate.db'));
    database.exec("PRAGMA user_version=1; CREATE TABLE thing (name TEXT); INSERT INTO thing VALUES ('kept')");
    database.close();
  }

  /** @returns path of its archive */
  async release({ version, store = 1, sick = false, arch = ARCHITECTURE, key = this.key }: SmallRelease) {
    const facts = {
      version,
      architecture: arch,
      state: { commit: 'test', epochSeconds: 1 },
      key,
      store,
    };
    const out = join(this.#folder, 'made');
    const folder = join(out, releaseName(facts));
    for (const path of ['app/src', 'bin', 'release-keys']) mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, 'app/src/main.js'), sick ? SICK : HEALTHY);
    writeFileSync(join(folder, 'app/package.json'), JSON.stringify({ type: 'module' }));
    writeFileSync(join(folder, 'app/store'), String(store));
    writeFileSync(join(folder, 'bin/gate'), '#!/bin/sh\n');
    chmodSync(join(folder, 'bin/gate'), 0o755);
    writeFileSync(join(folder, 'release-keys/signed-by.pem'), key.publicPem);
    await sealRelease(folder, facts);
    return writeReleaseFiles(folder, out, facts, 1);
  }

  /** Puts an archive where the daemon puts it. @returns its name there */
  spool(archive: string): string {
    for (const suffix of ['', '.sha256', '.sig'])
      cpSync(archive + suffix, join(this.dataFolder, 'update', basename(archive)) + suffix);
    return basename(archive);
  }

  /** What the store says: its schema, and what was put into it. */
  store(): { version: number; things: string[] } {
    const database = new DatabaseSync(join(this.dataFolder, 'gate.db'), { readOnly: true });
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    const things = database.prepare('SELECT name FROM thing').all();
    database.close();
    return { version, things: things.map(({ name }) => String(name)) };
  }
}
