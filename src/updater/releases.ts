/** The releases on disk: unpacked beside each other, one of them current. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { GatewayError } from '../model/error.ts';
import { syncFolder } from './durable-file.ts';
import type { InstallFolders } from './install-folders.ts';

const INCOMING = '.incoming';
const TAR_MS = 600_000;
/** An unpacked release is smaller than so many times its archive. */
const UNPACKED_RATIO = 6;
/** Larger than any release. */
export const ARCHIVE_MAX_BYTES = 512 * 1024 * 1024;
const COPY_CHUNK_BYTES = 1024 * 1024;

export class Releases {
  readonly #folders: InstallFolders;

  constructor(folders: InstallFolders) {
    this.#folders = folders;
  }

  folder(version: string): string {
    return join(this.#folders.releases, version);
  }

  has(version: string): boolean {
    return existsSync(join(this.folder(version), 'manifest.json'));
  }

  /** @throws GatewayError when nothing is installed */
  linked(link: 'current' | 'updater'): string {
    try {
      return basename(readlinkSync(this.#folders[link]));
    } catch (cause) {
      throw new GatewayError('unavailable', `${this.#folders[link]} leads to no release`, {
        hint: 'install gate with install.sh',
        cause,
      });
    }
  }

  /** At once or not at all. On disk when it returns. */
  link(link: 'current' | 'updater', version: string): void {
    const path = this.#folders[link];
    const aside = `${path}.new`;
    rmSync(aside, { force: true });
    symlinkSync(join('releases', version), aside);
    renameSync(aside, path);
    syncFolder(dirname(path));
  }

  /**
   * Takes an archive out of a folder that others may write, with what lies beside it: what is checked afterwards is
   * what is unpacked. @returns its path @throws GatewayError badRequest
   */
  takeIn(archive: string): string {
    const folder = this.#emptyIncoming();
    const bytes = withRegularFile(archive, (_, size) => size);
    this.#demandRoom(bytes * (1 + UNPACKED_RATIO));
    const copy = join(folder, 'archive.tar.gz');
    for (const suffix of ['', '.sha256', '.sig']) copyRegularFile(archive + suffix, copy + suffix);
    return copy;
  }

  /** Unpacks what was checked. @param name the one folder in it @returns its path, to be checked and then `accept`ed */
  unpack(archive: string, name: string): string {
    const folder = join(this.#folders.releases, INCOMING);
    const { status, stderr, error } = spawnSync(
      'tar',
      ['--extract', '--gzip', '--no-same-owner', `--file=${archive}`, `--directory=${folder}`, name],
      { timeout: TAR_MS, encoding: 'utf8' },
    );
    if (status === 0) return join(folder, name);
    const why = error?.message ?? stderr.trim().split('\n')[0];
    throw new GatewayError('internal', `${basename(archive)} could not be unpacked: ${why}`);
  }

  /** Gives an unpacked release its place. On disk when it returns. */
  accept(unpacked: string, version: string): void {
    // the files first: a folder whose name is there must be whole
    spawnSync('sync', ['--file-system', unpacked], { timeout: TAR_MS });
    rmSync(this.folder(version), { recursive: true, force: true });
    renameSync(unpacked, this.folder(version));
    syncFolder(this.#folders.releases);
    this.dropIncoming();
  }

  dropIncoming(): void {
    rmSync(join(this.#folders.releases, INCOMING), { recursive: true, force: true });
  }

  remove(version: string): void {
    if ([this.linked('current'), this.linked('updater')].includes(version)) return;
    rmSync(this.folder(version), { recursive: true, force: true });
  }

  /** Leaves those named, and nothing else. */
  prune(keep: readonly string[]): void {
    for (const name of readdirSync(this.#folders.releases)) {
      if (!keep.includes(name)) rmSync(this.folder(name), { recursive: true, force: true });
    }
  }

  #emptyIncoming(): string {
    this.dropIncoming();
    const folder = join(this.#folders.releases, INCOMING);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  #demandRoom(bytes: number): void {
    const { bavail, bsize } = statfsSync(this.#folders.releases);
    if (bavail * bsize >= bytes) return;
    const [needed, left] = [bytes, bavail * bsize].map((count) => Math.ceil(count / 1e6));
    throw new GatewayError('unavailable', `the release needs ${needed} MB on disk, there are ${left} MB`, {
      hint: 'make room, or lower RETENTION_MB',
    });
  }
}

/** Not through a link, and no device: the folder is another user's. @throws GatewayError badRequest */
function withRegularFile<T>(path: string, work: (file: number, bytes: number) => T): T {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = fstatSync(file);
      if (!found.isFile() || found.size > ARCHIVE_MAX_BYTES) throw new Error('it is no file of that kind');
      return work(file, found.size);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new GatewayError('badRequest', `${basename(path)} cannot be read: ${(cause as Error).message}`, {
      hint: 'a release is its .tar.gz, with its .sha256 and its .sig beside it',
      cause,
    });
  }
}

function copyRegularFile(from: string, to: string): void {
  withRegularFile(from, (source, bytes) => {
    const target = openSync(to, 'wx', 0o600);
    const chunk = Buffer.alloc(COPY_CHUNK_BYTES);
    try {
      for (let left = bytes; left > 0; ) {
        const count = readSync(source, chunk, 0, Math.min(left, chunk.length), null);
        if (count === 0) throw new Error('it became shorter');
        writeSync(target, chunk, 0, count);
        left -= count;
      }
    } finally {
      closeSync(target);
    }
  });
}
