/** Releases of what was built, small enough to be put in place over and over: without Node and the packages of add-ons. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { makeKey, replaceFile } from '../../test/support/release-maker.ts';
import { isNoInnerLink } from '../build/slim-packages.ts';
import type { Architecture } from '../package/node-runtime.ts';
import { releaseName, writeReleaseFiles } from '../package/release-files.ts';
import { sealRelease } from '../package/release-tree.ts';
import { type SigningKey, signingKey } from '../package/signing.ts';
import { BUILT } from './built.ts';

export const OLD = '1.0.0';
export const NEW = '2.0.0';

/** A daemon that gives the store another form, and ends. */
const RUINS_THE_STORE = `
import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync(process.env.DATA_FOLDER + '/gate.db');
database.exec('PRAGMA user_version = 99; DELETE FROM device;');
database.close();
process.exit(1);
`;

export interface Kind {
  name: string;
  /** Its daemon does not come up. */
  isSick: boolean;
  /** Its manifest says so: the store of before is kept. */
  changesStore: boolean;
}

export const KINDS: readonly Kind[] = [
  { name: 'healthy', isSick: false, changesStore: false },
  { name: 'healthy, another form of the store', isSick: false, changesStore: true },
  { name: 'sick', isSick: true, changesStore: false },
  { name: 'sick, another form of the store', isSick: true, changesStore: true },
];

export class UpdateReleases {
  readonly #folder: string;
  readonly #key: SigningKey;

  constructor(folder: string) {
    this.#folder = folder;
    this.#key = signingKey(folder, makeKey(join(folder, 'key.pem')));
  }

  /** An installation below `opt`, with the old release as the one that runs. */
  async install(opt: string): Promise<void> {
    const release = await this.#sealed(OLD, 'old');
    for (const name of ['releases', 'update']) mkdirSync(join(opt, name), { recursive: true });
    linkTree(release, join(opt, 'releases', OLD));
    for (const link of ['current', 'updater']) symlinkSync(join('releases', OLD), join(opt, link));
  }

  /** @returns path of the archive of the new release */
  async archive(kind: Kind, name: string): Promise<string> {
    const out = join(this.#folder, name);
    const release = await this.#sealed(NEW, name, kind);
    return writeReleaseFiles(release, out, this.#facts(NEW, kind), 1);
  }

  #facts(version: string, { changesStore }: Partial<Kind> = {}) {
    return {
      version,
      architecture: process.arch as Architecture,
      state: { commit: 'faults', epochSeconds: 1 },
      key: this.#key,
      store: MIGRATIONS.length + (changesStore ? 1 : 0),
    };
  }

  async #sealed(version: string, name: string, kind: Partial<Kind> = {}): Promise<string> {
    const facts = this.#facts(version, kind);
    const release = join(this.#folder, name, releaseName(facts));
    const app = join(release, 'app');
    cpSync(BUILT, app, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => isNoInnerLink(path, BUILT) && path !== join(BUILT, 'release'),
    });
    for (const folder of ['bin', 'release-keys']) mkdirSync(join(release, folder));
    writeFileSync(join(release, 'bin/gate'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(release, 'release-keys/signed-by.pem'), this.#key.publicPem);
    const own = join(app, 'package.json');
    replaceFile(own, JSON.stringify({ ...JSON.parse(readFileSync(own, 'utf8')), version }));
    if (kind.isSick)
      replaceFile(join(app, 'src/main.js'), kind.changesStore ? RUINS_THE_STORE : 'process.exit(1);\n');
    await sealRelease(release, facts);
    return release;
  }
}

/** The same files under other names: what an update does, it does not to them, but beside them. */
export function linkTree(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-al', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
