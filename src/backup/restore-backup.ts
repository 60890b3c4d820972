/**
 * Puts a backup in the place of a gateway that does not run. Everything is unpacked and checked before anything is
 * changed. The store comes last: an interruption leaves a folder that the daemon refuses, and the same command again
 * goes on from there.
 */
import { createReadStream, existsSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { continueStore } from '../store/store-snapshot.ts';
import { type BackupManifest, backupManifest, MANIFEST_NAME, sealedFiles } from './manifest.ts';
import { asideName, putInPlace, STORE, syncFolder } from './place.ts';
import { type Key, opened } from './seal.ts';
import { unpacked } from './tar.ts';
import { RESTORE_STAGING } from './unfinished.ts';

const READY = 'ready';
const TELL_EVERY_MS = 250;

export interface RestoreParts {
  file: string;
  key: Key;
  dataFolder: string;
  configFolder: string;
  /** What is there is moved aside, into `before-restore-…`. */
  replace: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  onProgress?: ((progress: { phase: string; bytes?: number; totalBytes?: number }) => void) | undefined;
}

/** The gateway must not be running. @throws GatewayError badRequest, conflict, folderUnusable */
export async function restoreBackup(parts: RestoreParts): Promise<BackupManifest> {
  const { dataFolder, configFolder, replace, now } = parts;
  const staging = join(dataFolder, RESTORE_STAGING);
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  if (existsSync(join(dataFolder, STORE)) && !replace) {
    throw new GatewayError('conflict', `${dataFolder} holds a gateway already`, {
      hint: 'with --replace it is moved aside, and the backup takes its place',
    });
  }
  const content = join(staging, 'content');
  // one that was interrupted may be half in place: its mark goes once another has taken its place, and not before
  const [ready, superseded] = [join(staging, READY), join(staging, 'superseded')];
  const isBegun = existsSync(ready) || existsSync(superseded);
  await rm(isBegun ? content : staging, { recursive: true, force: true });
  await mkdir(content, { recursive: true, mode: 0o700 });
  let manifest: BackupManifest;
  try {
    manifest = await stageBackup(parts, content);
  } catch (error) {
    // by this one nothing was changed yet
    await rm(isBegun ? content : staging, { recursive: true, force: true });
    throw error;
  }
  const aside = asideName(now());
  if (existsSync(ready)) {
    await rm(superseded, { recursive: true, force: true });
    await rename(ready, superseded);
  }
  await rename(content, ready);
  await syncFolder(staging);
  await putInPlace(ready, { dataFolder, configFolder, aside });
  await rm(staging, { recursive: true, force: true });
  await syncFolder(dataFolder);
  return manifest;
}

/** Unpacks a backup into an empty folder and checks it whole. On disk when it resolves. @throws GatewayError badRequest, storeNewer */
export async function stageBackup(
  { file, key, onProgress }: Pick<RestoreParts, 'file' | 'key' | 'onProgress'>,
  content: string,
): Promise<BackupManifest> {
  const totalBytes = (await stat(file)).size;
  const cipher = createReadStream(file);
  const tell = () => onProgress?.({ phase: 'unpacking', bytes: cipher.bytesRead, totalBytes });
  const telling = setInterval(tell, TELL_EVERY_MS);
  try {
    await unpacked(await opened(cipher, key), content);
  } finally {
    clearInterval(telling);
    cipher.destroy();
  }
  onProgress?.({ phase: 'verifying' });
  const manifest = await checked(content);
  continueStore(join(content, 'data', STORE));
  await syncFiles(content);
  return manifest;
}

/** What is renamed into place must not be empty after a power cut. */
async function syncFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if ((await lstat(path)).isDirectory()) await syncFiles(path);
    else {
      const file = await open(path);
      await file.sync().finally(() => file.close());
    }
  }
  await syncFolder(folder);
}

/** @throws GatewayError badRequest when anything is missing, added or changed; storeNewer */
async function checked(content: string): Promise<BackupManifest> {
  const text = await readFile(join(content, MANIFEST_NAME), 'utf8').catch(() => {
    throw new GatewayError('badRequest', `this is no backup of gate: it holds no ${MANIFEST_NAME}`);
  });
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), backupManifest), text);
  if (!parsed.success) {
    throw new GatewayError(
      'badRequest',
      `this is no backup that this gate knows: ${parsed.issues[0].message}`,
      {
        hint: 'was it made by a newer gate? Then update this one first',
      },
    );
  }
  const manifest = parsed.output;
  const found = new Map((await sealedFiles(content)).map((file) => [file.path, file]));
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = found.get(path);
    if (file?.bytes !== bytes || file.sha256 !== sha256) throw damaged(path);
    found.delete(path);
  }
  const [added] = found.keys();
  if (added !== undefined) throw damaged(added);
  const here = MIGRATIONS.length;
  if (manifest.storeVersion > here) {
    throw new GatewayError(
      'storeNewer',
      `the backup was made by gate ${manifest.version}, whose store is of version ${manifest.storeVersion}; this gate knows ${here}`,
      { hint: 'update this gate first' },
    );
  }
  return manifest;
}

function damaged(path: string): GatewayError {
  return new GatewayError('badRequest', `the backup is damaged: ${path} is not as it was`);
}
