/**
 * Add-ons of others on disk: their folders below `DATA_FOLDER/addons`, where manifests are put and taken away, and a
 * copy of each that ran well, below `DATA_FOLDER/addons-kept`, to go back to. One change at a time. What a version that
 * failed leaves is set aside, never deleted before the next one.
 */
import { createHash } from 'node:crypto';
import { cp, lstat, mkdir, readdir, readFile, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../contract/manifest.ts';
import type { AddonShelf } from '../core/ports.ts';
import type { AddonPackage } from '../core/protocols/addon-package.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { GatewayError } from '../model/error.ts';
import { MANIFEST_NAME, REMOVED_NAME, readPackage } from './addon-folders.ts';
import { entryCandidates, realInnerPath } from './inner-path.ts';
import { writeSafely } from './safe-file.ts';

/** A folder beyond either of these is not kept. */
export const KEPT_MAX_BYTES = 256 * 1024 * 1024;
export const KEPT_MAX_FILES = 20_000;
const WAITING_MAX = 100;
/** As `fingerprintOf` has it. */
const MARK = /^[0-9a-f]{64}$/;
const COPY_OPTIONS = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };

export class AddonShelfOnDisk implements AddonShelf {
  readonly #foreignFolder: string;
  readonly #keptFolder: string;
  readonly #queue = new SerialQueue(WAITING_MAX);

  constructor(dataFolder: string) {
    this.#foreignFolder = join(dataFolder, 'addons');
    this.#keptFolder = join(dataFolder, 'addons-kept');
  }

  read({ manifest, folder }: AddonPackage): Promise<AddonPackage> {
    return this.#queue.run(async () => {
      const found = await readPackage(folder).catch((cause: Error) => {
        throw unusable(folder, cause.message, cause);
      });
      if (!found) throw unusable(folder, `it holds no ${MANIFEST_NAME}`);
      const { id, slug } = found.manifest;
      if (id === manifest.id && slug === manifest.slug) return found;
      throw unusable(folder, `its manifest is that of "${id}" ("${slug}") now`);
    });
  }

  add(manifest: Manifest): Promise<AddonPackage> {
    return this.#queue.run(async () => {
      const folder = join(this.#foreignFolder, manifest.slug);
      await this.#checkFiles(folder, manifest);
      const path = join(folder, MANIFEST_NAME);
      const there = await readPackage(folder).catch((cause: Error) => {
        throw unusable(folder, cause.message, cause);
      });
      if (there && !isDeepStrictEqual(there.manifest, manifest)) {
        throw new GatewayError('conflict', `${path} is there already, and is another manifest`, {
          hint: 'send what it holds, or take it away',
        });
      }
      if (!there) await writeSafely(folder, path, `${JSON.stringify(manifest, null, 2)}\n`);
      await rm(join(folder, REMOVED_NAME), { force: true });
      const added = await readPackage(folder).catch(async (cause: Error) => {
        if (!there) await rm(path, { force: true });
        const message = `manifest: ${cause.message}`;
        throw new GatewayError('badRequest', message, { hint: whereFiles(folder), cause });
      });
      return added as AddonPackage;
    });
  }

  demandForeign({ manifest, folder }: AddonPackage): void {
    if (this.#isForeign(folder)) return;
    throw new GatewayError('forbidden', `protocol "${manifest.slug}" comes with gate and stays`, {
      hint: `DELETE /device/v1/protocols/${manifest.slug}/installation removes it from use`,
    });
  }

  drop({ manifest, folder }: AddonPackage): Promise<void> {
    return this.#queue.run(async () => {
      const path = join(folder, MANIFEST_NAME);
      if (manifest.runtime.process) await rename(path, join(folder, REMOVED_NAME));
      else {
        await rm(path, { force: true });
        // somebody's own files may lie beside it
        await rmdir(folder).catch(() => undefined);
      }
    });
  }

  keep({ manifest, folder }: AddonPackage): Promise<void> {
    return this.#queue.run(async () => {
      const { slug } = manifest;
      if (!this.#isForeign(folder) || !manifest.runtime.process) return;
      // the folder itself may be a link
      const source = await realpath(folder);
      const fingerprint = await fingerprintOf(source);
      const mark = this.#markOf(slug);
      if ((await readFile(mark, 'utf8').catch(() => '')) === fingerprint) return;
      const kept = join(this.#keptFolder, slug);
      await mkdir(this.#keptFolder, { recursive: true, mode: 0o700 });
      await rm(mark, { recursive: true, force: true });
      await rm(kept, { recursive: true, force: true });
      await cp(source, kept, COPY_OPTIONS);
      await writeSafely(this.#keptFolder, mark, fingerprint);
    });
  }

  restore({ manifest, folder }: AddonPackage): Promise<{ addon: AddonPackage; aside: string } | undefined> {
    return this.#queue.run(async () => {
      const { slug } = manifest;
      // a mark is written last: without it, or with a damaged one, the copy may not be whole
      const isKept = await readFile(this.#markOf(slug), 'utf8').then(
        (mark) => MARK.test(mark),
        () => false,
      );
      if (!this.#isForeign(folder) || !isKept) return undefined;
      const [aside, coming] = [`.${slug}.failed`, `.${slug}.restored`].map((name) =>
        join(this.#foreignFolder, name),
      ) as [string, string];
      await rm(coming, { recursive: true, force: true });
      await cp(join(this.#keptFolder, slug), coming, COPY_OPTIONS);
      await rm(aside, { recursive: true, force: true });
      await rename(folder, aside);
      await rename(coming, folder);
      const addon = await readPackage(folder);
      return addon && { addon, aside };
    });
  }

  forget(slug: string): Promise<void> {
    return this.#queue.run(async () => {
      await rm(this.#markOf(slug), { recursive: true, force: true });
      await rm(join(this.#keptFolder, slug), { recursive: true, force: true });
    });
  }

  #markOf(slug: string): string {
    return join(this.#keptFolder, `${slug}.kept`);
  }

  #isForeign(folder: string): boolean {
    return !relative(this.#foreignFolder, folder).startsWith('..');
  }

  /** A manifest alone cannot name code elsewhere: what it starts lies in its own folder. */
  async #checkFiles(folder: string, { runtime }: Manifest): Promise<void> {
    if (!runtime.process) return;
    for (const candidate of entryCandidates(runtime.process.entry)) {
      const path = await realInnerPath(folder, candidate).catch((cause: Error) => {
        throw entryFault(cause.message, folder, cause);
      });
      if (path !== undefined) return;
    }
    throw entryFault(`there is no ${runtime.process.entry} in ${folder}`, folder);
  }
}

function entryFault(message: string, folder: string, cause?: Error): GatewayError {
  return new GatewayError('badRequest', `manifest: "runtime.process.entry": ${message}`, {
    errors: [{ field: 'runtime.process.entry', message }],
    hint: whereFiles(folder),
    cause,
  });
}

function whereFiles(folder: string): string {
  return `put the add-on's files into ${folder}, then send its manifest`;
}

function unusable(folder: string, reason: string, cause?: Error): GatewayError {
  return new GatewayError('conflict', `the add-on's folder ${folder} cannot be used: ${reason}`, {
    hint: 'put it right, then ask again; what runs goes on meanwhile',
    cause,
  });
}

/** Changes with every file's name, size and time. @throws Error when the folder is too large to be kept */
async function fingerprintOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  let [files, bytes] = [0, 0];
  const names = await readdir(folder, { recursive: true });
  for (const name of names.sort()) {
    const { size, mtimeMs } = await lstat(join(folder, name));
    files += 1;
    bytes += size;
    if (files > KEPT_MAX_FILES || bytes > KEPT_MAX_BYTES)
      throw new Error(`${folder} has more than ${KEPT_MAX_FILES} files or ${KEPT_MAX_BYTES} bytes`);
    hash.update(JSON.stringify([name, size, Math.floor(mtimeMs)]));
  }
  return hash.digest('hex');
}
