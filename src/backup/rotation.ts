/** Backups in a folder, named by their time; the oldest go when there are enough. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^gate-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.age$/;

export function backupName(now: number): string {
  return `gate-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}.age`;
}

/** The newest first. Files of other names are nobody's business. */
export async function backupsIn(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => NAME.test(name))
    .sort()
    .reverse();
}

/** Keeps the newest. @returns the names of those that went */
export async function keepNewest(folder: string, keep: number): Promise<string[]> {
  const old = (await backupsIn(folder)).slice(keep);
  for (const name of old) await rm(join(folder, name), { force: true });
  return old;
}
