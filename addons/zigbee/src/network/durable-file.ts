/**
 * Files that survive a power cut: written whole beside the old one, forced to the disk, put in its place in one step.
 * The content before is kept as `<name>.previous`. Mode 0600: keys of the network are among them.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

export const PREVIOUS_SUFFIX = '.previous';

export function writeDurably(path: string, text: string): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  keepPrevious(path);
  renameSync(fresh, path);
  syncFolderOf(path);
}

/** What `path` holds now stays reachable as its previous content, whatever takes its place. */
export function keepPrevious(path: string): void {
  if (!existsSync(path)) return;
  const previous = `${path}${PREVIOUS_SUFFIX}`;
  try {
    unlinkSync(previous);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  linkSync(path, previous);
}

/** A rename is on the disk once its folder is. */
export function syncFolderOf(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * The content that `parse` takes: that of the file or, where it is missing or damaged, its previous one; undefined
 * when there is neither. @throws what `parse` threw, when there are files but none can be read
 */
export function readDurably<T>(path: string, parse: (text: string) => T): T | undefined {
  let damage: unknown;
  for (const candidate of [path, `${path}${PREVIOUS_SUFFIX}`]) {
    let text: string;
    try {
      text = readFileSync(candidate, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw error;
    }
    try {
      return parse(text);
    } catch (error) {
      damage ??= error;
    }
  }
  if (damage !== undefined) throw damage;
  return undefined;
}
