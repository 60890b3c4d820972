/**
 * One encrypted file with everything that a gateway needs to go on elsewhere: its store, the add-ons' data, certificates
 * and configuration. Taken beside the running daemon; the file appears whole, and synced, or not at all.
 */
import { createWriteStream, existsSync } from 'node:fs';
import { cp, lstat, mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GatewayError } from '../model/error.ts';
import { snapshotStore, storeVersion } from '../store/store-snapshot.ts';
import { BACKUP_FORMAT, type BackupManifest, MANIFEST_NAME, sealedFiles } from './manifest.ts';
import { STORE, syncFolder } from './place.ts';
import { type Seal, sealed } from './seal.ts';
import { packed } from './tar.ts';

const STAGING = 'backup-staging';
/** Beside the store: what is made again, what belongs to one run, and what is no gateway's state. */
const LEFT_OUT =
  /^(gate\.db.*|gate\.sock|availability\.db|operations\.db|idempotency-keys\.db|cache|run|backup-staging|backup-outbox|restore-staging|restore-waiting|restore-outcome\.json|received|update|erasing|before-restore-.*|.*\.sock|.*\.tmp|.*~)$/;
/** Room beside what is copied. */
const SPARE_BYTES = 50_000_000;
const TELL_EVERY_MS = 250;

export interface BackupParts {
  dataFolder: string;
  configFolder: string;
  /** Where it shall lie. One that is there is replaced. */
  file: string;
  seal: Seal;
  readings: boolean;
  /** Of gate. */
  version: string;
  /** Milliseconds since 1970. */
  now: () => number;
  onProgress?: ((progress: { phase: string; bytes?: number; totalBytes?: number }) => void) | undefined;
}

/** @throws GatewayError notFound, badRequest, folderUnusable, storeFailed */
export async function takeBackup(parts: BackupParts): Promise<BackupManifest & { bytes: number }> {
  const { dataFolder } = parts;
  if (!existsSync(join(dataFolder, STORE))) {
    throw new GatewayError('notFound', `${dataFolder} holds no gateway: there is no ${STORE} in it`, {
      hint: 'name its folder with --data-folder or DATA_FOLDER',
    });
  }
  const staging = join(dataFolder, STAGING);
  // left by an interruption
  await rm(staging, { recursive: true, force: true });
  try {
    parts.onProgress?.({ phase: 'copying' });
    const manifest = await stage(parts, staging);
    const totalBytes = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
    return { ...manifest, bytes: await write(parts, { staging, totalBytes }) };
  } catch (error) {
    throw error instanceof GatewayError ? error : diskError(error as NodeJS.ErrnoException, parts.file);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function stage(parts: BackupParts, staging: string): Promise<BackupManifest> {
  const { dataFolder, configFolder, readings, version, now } = parts;
  const data = join(staging, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  for (const name of await readdir(dataFolder)) {
    // backups that are put into the data folder would hold each other
    const holdsBackups = `${dirname(resolve(parts.file))}/`.startsWith(`${resolve(dataFolder, name)}/`);
    if (!LEFT_OUT.test(name) && !holdsBackups) await copyFiles(join(dataFolder, name), join(data, name));
  }
  await copyFiles(configFolder, join(staging, 'config'));
  const store = join(dataFolder, STORE);
  await demandRoom(dataFolder, readings ? store : undefined);
  await snapshotStore(store, { to: join(data, STORE), readings });
  const manifest: BackupManifest = {
    format: BACKUP_FORMAT,
    version,
    storeVersion: storeVersion(join(data, STORE)),
    takenAt: now(),
    readings,
    files: await sealedFiles(staging),
  };
  await writeFile(join(staging, MANIFEST_NAME), JSON.stringify(manifest));
  return manifest;
}

/** Files and folders alone: a link would lead out, a socket is of one run. What an add-on replaces meanwhile is whole. */
async function copyFiles(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    filter: async (path) => {
      const found = await lstat(path).catch(() => undefined);
      return (found?.isFile() || found?.isDirectory()) === true && !/\.(tmp|sock)$/.test(path);
    },
  }).catch((error: NodeJS.ErrnoException) => {
    // no configuration folder: everything came from the environment
    if (error.code !== 'ENOENT') throw error;
  });
}

/** A copy of the store, and the file made of it. @throws GatewayError folderUnusable */
async function demandRoom(folder: string, store: string | undefined): Promise<void> {
  const needed = SPARE_BYTES + (store === undefined ? 0 : 2 * (await stat(store)).size);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= needed) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1_000_000)} MB`;
  throw new GatewayError(
    'folderUnusable',
    `a backup needs ${megabytes(needed)} on the disk with ${folder}, and there are ${megabytes(bavail * bsize)}`,
    { hint: store === undefined ? 'make room' : 'make room, or leave the readings out' },
  );
}

/** @returns the size of the file */
async function write(
  { file, seal, onProgress }: BackupParts,
  { staging, totalBytes }: { staging: string; totalBytes: number },
): Promise<number> {
  const part = `${file}.part`;
  const archive = packed(staging);
  const output = createWriteStream(part, { mode: 0o600, flush: true });
  // the file is hardly larger than what goes into it
  const tell = () =>
    onProgress?.({ phase: 'encrypting', bytes: Math.min(output.bytesWritten, totalBytes), totalBytes });
  const telling = setInterval(tell, TELL_EVERY_MS);
  tell();
  try {
    await Promise.all([pipeline(await sealed(archive.stream, seal), output), archive.done]);
    await rename(part, file);
    await syncFolder(dirname(file));
    return output.bytesWritten;
  } catch (error) {
    archive.stream.destroy();
    archive.done.catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  } finally {
    clearInterval(telling);
  }
}

function diskError(error: NodeJS.ErrnoException, file: string): GatewayError {
  return new GatewayError('folderUnusable', `the backup ${file} cannot be written: ${error.message}`, {
    hint: error.code === 'ENOSPC' ? 'make room on the disk' : 'does its folder exist, and may it be written?',
    cause: error,
  });
}
