/**
 * Puts a backup in the place of a gateway that does not run. Everything is unpacked and checked before anything is
 * changed. The store comes last: an interruption leaves a folder that the daemon refuses, and the same command again
 * goes on from there.
 */
import { createReadStream, existsSync } from 'node:fs';
import { chmod, lchown, lstat, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { MIGRATIONS } from '../store/migrations.ts';
import { continueStore } from '../store/store-snapshot.ts';
import { type BackupManifest, backupManifest, MANIFEST_NAME, sealedFiles } from './manifest.ts';
import { type Key, opened } from './seal.ts';
import { STORE, syncFolder } from './take-backup.ts';
import { unpacked } from './tar.ts';
import { RESTORE_STAGING } from './unfinished.ts';

const READY = 'ready';

export interface RestoreParts {
  file: string;
  key: Key;
  dataFolder: string;
  configFolder: string;
  /** What is there is moved aside, into `before-restore-…`. */
  replace: boolean;
  /** Milliseconds since 1970. */
  now: () => number;
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
  await rm(staging, { recursive: true, force: true });
  await mkdir(content, { recursive: true, mode: 0o700 });
  let manifest: BackupManifest;
  try {
    const stream = await opened(createReadStream(parts.file), parts.key);
    await unpacked(stream, content);
    manifest = await checked(content);
    continueStore(join(content, 'data', STORE));
  } catch (error) {
    // nothing was changed yet
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  const aside = `before-restore-${new Date(now()).toISOString().replaceAll(/[:.]/g, '-')}`;
  await rename(content, join(staging, READY));
  await syncFolder(staging);
  await own(join(staging, READY), dataFolder);
  await takePlace(join(staging, READY, 'data'), dataFolder, aside);
  if (existsSync(join(staging, READY, 'config'))) {
    await mkdir(configFolder, { recursive: true, mode: 0o700 });
    await takePlace(join(staging, READY, 'config'), configFolder, aside);
  }
  await rm(staging, { recursive: true, force: true });
  await syncFolder(dataFolder);
  return manifest;
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

/** Moves what lies in `from` into `to`; what was there under the same name goes aside, the store as the last. */
async function takePlace(from: string, to: string, aside: string): Promise<void> {
  const names = (await readdir(from)).filter((name) => name !== STORE);
  if (existsSync(join(from, STORE))) {
    // without its logs, and before anything else: a gateway of two halves must never start
    for (const name of [STORE, `${STORE}-wal`, `${STORE}-shm`]) await moveAside(to, name, aside);
    names.push(STORE);
  }
  for (const name of names) {
    await moveAside(to, name, aside);
    await rename(join(from, name), join(to, name));
  }
  await syncFolder(to);
}

async function moveAside(folder: string, name: string, aside: string): Promise<void> {
  if (!existsSync(join(folder, name))) return;
  await mkdir(join(folder, aside), { recursive: true, mode: 0o700 });
  await rename(join(folder, name), join(folder, aside, name));
}

/** What was unpacked belongs to whom the data folder belongs to, and to nobody else. */
async function own(path: string, like: string): Promise<void> {
  const { uid, gid } = await stat(like);
  const its = await lstat(path);
  if (process.getuid?.() === 0) await lchown(path, uid, gid);
  await chmod(path, its.isDirectory() || (its.mode & 0o100) !== 0 ? 0o700 : 0o600);
  if (!its.isDirectory()) return;
  for (const name of await readdir(path)) await own(join(path, name), like);
}
