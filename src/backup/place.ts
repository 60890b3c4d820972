/**
 * Puts what a backup holds in the place of a gateway that does not run, by renames, the store last. What was there goes
 * aside. Loads no cipher: the daemon's start does this too.
 */
import { existsSync } from 'node:fs';
import { chmod, cp, lchown, lstat, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export const STORE = 'gate.db';

/** Where what was there is moved to, in both folders. */
export function asideName(now: number): string {
  return `before-restore-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
}

/** Its content takes the place of what is there, which goes aside. May be called again after an interruption. */
export async function putInPlace(
  content: string,
  { dataFolder, configFolder, aside }: { dataFolder: string; configFolder: string; aside: string },
): Promise<void> {
  await own(content, dataFolder);
  if (existsSync(join(content, 'data'))) await takePlace(join(content, 'data'), dataFolder, aside);
  if (!existsSync(join(content, 'config'))) return;
  await mkdir(configFolder, { recursive: true, mode: 0o700 });
  await takePlace(join(content, 'config'), configFolder, aside);
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
    await move(from, to, name);
  }
  await syncFolder(to);
}

/** The folder of the settings may lie on another disk, or be mounted by itself: then it is copied, and renamed there. */
async function move(from: string, to: string, name: string): Promise<void> {
  try {
    await rename(join(from, name), join(to, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const copy = join(to, `.${name}.tmp`);
    await rm(copy, { recursive: true, force: true });
    await cp(join(from, name), copy, { recursive: true });
    await own(copy, to);
    await rename(copy, join(to, name));
    await rm(join(from, name), { recursive: true });
  }
}

async function moveAside(folder: string, name: string, aside: string): Promise<void> {
  if (!existsSync(join(folder, name))) return;
  if (existsSync(join(folder, aside, name))) {
    // put there before an interruption: what lies here now came from the backup
    await rm(join(folder, name), { recursive: true });
    return;
  }
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

/** A name that was given is on disk with its folder. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
