/**
 * The store as it was before an update that changes its form, to go back to. Each step may be repeated: whatever was
 * interrupted is ended by doing it again.
 *
 * Runs as the gateway's user: the folder is that user's, and root would follow links that it left there.
 */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { syncFolder } from './durable-file.ts';

const MAIN = 'gate.db';
/** The log of what is not in the main file yet: it belongs to that one and no other. */
const LOG = 'gate.db-wal';
const INDEX = 'gate.db-shm';

interface CopyFolders {
  kept: string;
  restoring: string;
  aside: string;
}

function foldersIn(dataFolder: string): CopyFolders {
  const spool = join(dataFolder, 'update');
  return { kept: join(spool, 'kept'), restoring: join(spool, 'restoring'), aside: join(spool, 'set-aside') };
}

/** The gateway must be stopped. What returns is on disk. */
export function keepStore(dataFolder: string): void {
  const { kept, aside } = foldersIn(dataFolder);
  dropKept(dataFolder);
  // of an earlier update that went back: one is kept at a time
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  for (const name of [MAIN, LOG]) {
    const from = join(dataFolder, name);
    if (!existsSync(from)) continue;
    // shares the blocks where the file system can
    copyFileSync(from, join(kept, name), constants.COPYFILE_FICLONE);
    const file = openSync(join(kept, name), 'r+');
    fsyncSync(file);
    closeSync(file);
  }
  syncFolder(kept);
  syncFolder(join(kept, '..'));
}

/** Puts the kept store back; the one in its place is set aside in `update/set-aside`, until the next. */
export function restoreStore(dataFolder: string): void {
  const { kept, restoring, aside } = foldersIn(dataFolder);
  if (existsSync(kept)) {
    mkdirSync(aside, { recursive: true, mode: 0o700 });
    // the log first: the store that is put back must not meet the log of another
    for (const name of [LOG, INDEX, MAIN]) moveOrRemove(join(dataFolder, name), join(aside, name));
    syncFolder(dataFolder);
    renameSync(kept, restoring);
    syncFolder(join(kept, '..'));
  }
  if (!existsSync(restoring)) return;
  for (const name of [LOG, MAIN]) {
    const from = join(restoring, name);
    if (existsSync(from)) renameSync(from, join(dataFolder, name));
  }
  syncFolder(dataFolder);
  rmSync(restoring, { recursive: true, force: true });
}

/** Lets go of it. */
export function dropKept(dataFolder: string): void {
  rmSync(foldersIn(dataFolder).kept, { recursive: true, force: true });
}

function moveOrRemove(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to);
}
